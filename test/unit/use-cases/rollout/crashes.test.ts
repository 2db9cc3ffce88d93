import { afterAll, describe, expect, it } from "vitest";
import type { RolloutService } from "../../../../shared/model/rollout.ts";
import { assessWave } from "../../../../shared/use-cases/rollout/assess-wave.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { holdRollout } from "../../../../shared/use-cases/rollout/hold-rollout.ts";
import { nextWave } from "../../../../shared/use-cases/rollout/next-wave.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { advanceQueue } from "../../../../shared/use-cases/rollout/queue.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { startRollout } from "../../../../shared/use-cases/rollout/start-rollout.ts";
import { takeService } from "../../../../shared/use-cases/rollout/take-service.ts";
import { expectSameAfterCrashes } from "../../../support/testbeds/crashes.ts";
import { fleetTestbed, type RolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { readFacts, sixUnderWay, underWay } from "../../../support/testbeds/rollouts-under-way.ts";

const IMAGE = "registry.example.com/ztunnel:1.28.2";
const ID = "upgrade-1";
/** A rollout of six services to another image, with these states of its two waves, and its services as given. */
const rolling = (
  testbed: RolloutTestbed,
  states: Parameters<typeof sixUnderWay>[1],
  of: Parameters<typeof sixUnderWay>[2],
  given: Parameters<typeof sixUnderWay>[3] = {},
) => sixUnderWay(testbed, states, of, { target: { image: IMAGE }, ...given });

const changed = (ordinal: number): Partial<RolloutService> => ({
  status: "succeeded",
  fromRevisionArn: `from-${ordinal}`,
  toRevisionArn: `arn:aws:ecs:us-east-1:123456789012:task-definition/s${ordinal}:1`,
});

interface UseCase {
  readonly name: string;
  readonly prepare: () => Promise<RolloutTestbed>;
  readonly run: (testbed: RolloutTestbed) => Promise<unknown>;
}

async function started(policy: object = {}, options: Parameters<typeof fleetTestbed>[0] = {}) {
  return fleetTestbed({ services: 6, policy: { canaryCount: 2, waves: [100], ...policy }, ...options });
}

const upgrade = {
  kind: "upgrade",
  rolloutId: ID,
  scope: {},
  image: IMAGE,
  why: "",
  requestedBy: "ann",
  overrides: {},
} as const;

const useCases: readonly UseCase[] = [
  {
    name: "starting a rollout",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed, { target: { image: IMAGE } });
      return testbed;
    },
    run: (testbed) => startRollout(ID, testbed),
  },
  {
    name: "starting a rollout that finds nothing",
    prepare: async () => {
      const testbed = await started({}, { services: 0 });
      await underWay(testbed, { target: { image: IMAGE } });
      return testbed;
    },
    run: (testbed) => startRollout(ID, testbed),
  },
  {
    name: "starting to take the fleet out of the mesh",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed, { kind: "unenroll" });
      return testbed;
    },
    run: (testbed) => startRollout(ID, testbed),
  },
  {
    name: "starting the rollback of a rollout that had completed",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["done", "done"], changed, {
        status: "completed",
        nextWaveIndex: 2,
        before: { image: "registry.example.com/ztunnel:1.28.0" },
        control: { action: "rollback", by: "ann", at: "2026-11-23T12:00:00.000Z" },
      });
      await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: IMAGE, assignedAtMs: 1 } } }));
      return testbed;
    },
    run: (testbed) => startRollout(ID, testbed),
  },
  {
    name: "the next wave",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["done", "waiting"], () => ({}));
      return testbed;
    },
    run: (testbed) => nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 1 }, testbed),
  },
  {
    name: "a hold",
    prepare: async () => {
      const testbed = await started({ approveAfterCanary: true });
      await rolling(testbed, ["done", "waiting"], () => ({}));
      testbed.fleetExecutions.wait("token", "upgrade-1-1");
      return testbed;
    },
    run: async (testbed) => {
      await nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 1 }, testbed);
      await holdRollout(ID, "token", testbed);
    },
  },
  {
    name: "going on in a new execution",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["done", "waiting"], () => ({}));
      return testbed;
    },
    run: (testbed) => nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 10_000 }, testbed),
  },
  {
    name: "taking a service",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["rolling", "waiting"], () => ({}));
      return testbed;
    },
    run: async (testbed) => {
      const { ledger } = testbed;
      // The quota's bucket may have given a turn to an attempt that crashed. The comparison ignores that.
      await takeService({ id: ID, ordinal: 1, phase: "forward" }, { ...testbed, ledger });
    },
  },
  {
    name: "taking a service for its rollback",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["rolling", "waiting"], changed, { status: "rolling-back" });
      return testbed;
    },
    run: (testbed) => takeService({ id: ID, ordinal: 1, phase: "rollback" }, testbed),
  },
  {
    name: "judging a wave",
    prepare: async () => {
      const testbed = await started({ bakeMinutes: 0 });
      await rolling(testbed, ["rolling", "waiting"], changed);
      return testbed;
    },
    run: (testbed) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "roll" }, testbed),
  },
  {
    name: "judging a wave with a service whose roll recorded no outcome",
    prepare: async () => {
      const testbed = await started({ failureBudget: { inAll: { count: 0 } } });
      await rolling(testbed, ["rolling", "waiting"], (ordinal) =>
        ordinal === 1 ? { status: "rolling" } : changed(ordinal),
      );
      return testbed;
    },
    run: (testbed) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "roll" }, testbed),
  },
  {
    name: "judging a wave again after its bake",
    prepare: async () => {
      const testbed = await started({ failureBudget: { inAll: { count: 0 } } });
      await rolling(testbed, ["baking", "waiting"], changed);
      for (const service of [...testbed.fakeEcs.services.values()].slice(0, 1)) {
        const [primary] = service.deployments;
        if (primary) testbed.fakeEcs.change({ deployments: [{ ...primary, runningCount: 0 }] }, service.ref);
      }
      return testbed;
    },
    run: (testbed) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "bake" }, testbed),
  },
  {
    name: "judging a wave that was rolled back",
    prepare: async () => {
      const testbed = await started();
      await rolling(
        testbed,
        ["rolling-back", "waiting"],
        (ordinal) => (ordinal === 0 ? { status: "rolled-back" } : { ...changed(ordinal), status: "rolling-back" }),
        { status: "rolling-back" },
      );
      return testbed;
    },
    run: (testbed) => assessWave({ rolloutId: ID, phase: "rollback", wave: 0, after: "roll" }, testbed),
  },
  {
    name: "finishing a rollout that has completed, with another one behind it",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["done", "done"], changed, { nextWaveIndex: 2 });
      await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: "a:1", assignedAtMs: 1 } } }));
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2", image: "a:3" }, "event", testbed);
      return testbed;
    },
    run: (testbed) => finishRollout(ID, null, testbed),
  },
  {
    name: "finishing a rollout that was rolled back",
    prepare: async () => {
      const testbed = await started();
      await rolling(
        testbed,
        ["rolled-back", "waiting"],
        (ordinal) => ({ status: ordinal === 0 ? "stuck" : "rolled-back" }),
        {
          kind: "unenroll",
          status: "rolling-back",
          stuckOrdinals: [0],
          reason: { code: "alarm-fired", detail: "errors" },
        },
      );
      await testbed.ledger.changeFleet((fleet) => ({
        next: {
          ...fleet,
          unenrolledBy: { rolloutId: ID, at: "2026-11-23T11:00:00.000Z" },
        },
      }));
      return testbed;
    },
    run: (testbed) => finishRollout(ID, null, testbed),
  },
  {
    name: "finishing a rollout that could not go on",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["rolling", "waiting"], changed);
      return testbed;
    },
    run: (testbed) =>
      finishRollout(ID, { error: "Autopilot.Terminal", cause: '{"errorMessage":"access-denied: no"}' }, testbed),
  },
  ...(["resume", "approve", "abort", "rollback", "pause"] as const).map(
    (action): UseCase => ({
      name: `an operator's ${action}`,
      prepare: async () => {
        const testbed = await started();
        const held = { resume: "paused", approve: "awaiting-approval", abort: "paused", rollback: "paused" } as const;
        const status = action === "pause" ? "running" : held[action];
        await rolling(testbed, ["done", "waiting"], changed, {
          status,
          holdToken: "token",
          ...(status === "paused" && { control: { action: "pause", by: "ann", at: "2026-11-23T11:30:00.000Z" } }),
        });
        return testbed;
      },
      run: (testbed) => controlRollout({ rolloutId: ID, action, requestedBy: "ann" }, "event-1", testbed),
    }),
  ),
  {
    name: "an operator's rollback of a rollout that has completed",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["done", "done"], changed, { status: "completed", nextWaveIndex: 2 });
      await testbed.ledger.changeFleet(({ currentRolloutId: _, ...fleet }) => ({ next: fleet }));
      testbed.fleetExecutions.end("upgrade-1-1");
      return testbed;
    },
    run: (testbed) => controlRollout({ rolloutId: ID, action: "rollback", requestedBy: "ann" }, "event-1", testbed),
  },
  {
    name: "an operator's abort of a rollout that waits",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", testbed);
      return testbed;
    },
    run: (testbed) =>
      controlRollout({ rolloutId: "upgrade-2", action: "abort", requestedBy: "ann" }, "event-1", testbed),
  },
  {
    name: "an operator's command that can't be done",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed);
      return testbed;
    },
    run: (testbed) => controlRollout({ rolloutId: ID, action: "approve", requestedBy: "ann" }, "event-1", testbed),
  },
  {
    name: "a request",
    prepare: () => started(),
    run: (testbed) => requestRollout(upgrade, "event", testbed),
  },
  {
    name: "a request that supersedes one that waits",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", testbed);
      return testbed;
    },
    run: (testbed) => requestRollout({ ...upgrade, rolloutId: "upgrade-3", image: "a:3" }, "event", testbed),
  },
  {
    name: "a request that can't be carried out",
    prepare: () => started(),
    run: (testbed) => requestRollout({ ...upgrade, image: "no image" }, "event", testbed),
  },
  {
    name: "changes of image, settings and root CA at once",
    prepare: async () => {
      const parameterConfig = { ztunnel: { ...(await started()).config.ztunnel, imageParameter: "/image" } };
      const testbed = await started({}, { config: parameterConfig });
      testbed.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.1");
      await readFacts(testbed, "a");
      await requestPending(testbed);
      testbed.parameters.values.set("/image", IMAGE);
      await readFacts(testbed, "ab", "2026-11-23T12:01:00.000Z");
      const { ztunnel } = testbed.config;
      return { ...testbed, config: { ...testbed.config, ztunnel: { ...ztunnel, startTimeoutSeconds: 60 } } };
    },
    run: (testbed) => requestPending(testbed),
  },
  {
    name: "guarding a rollout whose execution is dead",
    prepare: async () => {
      const testbed = await started();
      await rolling(testbed, ["rolling", "waiting"], changed);
      testbed.fleetExecutions.end("upgrade-1-1");
      return testbed;
    },
    run: (testbed) => guardRollout(testbed),
  },
  {
    name: "guarding a rollout while an alarm is in ALARM",
    prepare: async () => {
      const testbed = await started({ alarms: [{ name: "errors" }] });
      await rolling(testbed, ["baking", "waiting"], changed, { holdToken: "token" });
      testbed.fakeAlarms.set("errors", "ALARM");
      return testbed;
    },
    run: (testbed) => guardRollout(testbed),
  },
  {
    name: "advancing a queue whose rollout has ended",
    prepare: async () => {
      const testbed = await started();
      await underWay(testbed);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", testbed);
      await testbed.ledger.changeRollout(ID, (one) => ({ next: { ...one, status: "aborted" } }));
      testbed.fleetExecutions.end("upgrade-1-1");
      return testbed;
    },
    run: (testbed) => advanceQueue(testbed),
  },
];

describe("a function crashes before or after any of its calls, and is run again: the end is the same after", () => {
  const places: Record<string, number> = {};
  it.each(useCases.map((one) => [one.name, one] as const))("%s", async (name, { prepare, run }) => {
    places[name] = await expectSameAfterCrashes(prepare, run);
    expect(places[name]).toBeGreaterThan(1);
  });

  afterAll(() => {
    expect(Object.values(places).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(200);
  });
});
