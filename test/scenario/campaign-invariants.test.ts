import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN, type Lab } from "../../lab/autopilot/lab.ts";
import { IMAGE, IMAGE_PARAMETER, images } from "../../lab/campaign/campaign-fleet.ts";
import { emergencyViolations } from "../../lab/campaign/emergency-invariants.ts";
import { messageViolations } from "../../lab/campaign/message-invariants.ts";
import { watchedRefusals } from "../../lab/campaign/refusal-reports.ts";
import { watchedLedger } from "../../lab/campaign/restored-ledgers.ts";
import { tenantViolations } from "../../lab/campaign/tenant-invariants.ts";
import { wishViolations } from "../../lab/campaign/wish-invariants.ts";
import type { Rollout, RolloutService } from "../../shared/model/rollout.ts";
import { meshAfter } from "../support/meshes.ts";
import { rollout, rolloutService, wave } from "../support/rollouts.ts";
import { cartFleet } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { onFleet } from "./support/rollouts.ts";

const MINUTE_MS = 60_000;

/** A lab on which nothing happens but what the test writes. */
const quiet = <T>(test: (lab: Lab) => Promise<T>) =>
  onLab({ fleet: cartFleet, schedules: false, heartbeats: false }, ({ lab }) => test(lab));

async function record(lab: Lab, given: Partial<Rollout>, services: readonly Partial<RolloutService>[] = []) {
  // The lab's ledger drops items after their time.
  const expiresAt = Math.ceil(lab.clock.now() / 1000) + 86_400;
  await lab.ledger.createRollout(rollout({ expiresAt, ...given }));
  await lab.ledger.putRolloutServices(
    services.map((one, ordinal) => rolloutService(ordinal, { rolloutId: given.id ?? "upgrade-1", expiresAt, ...one })),
  );
}

describe("the invariant that a withdrawn wish starts no further roll", () => {
  const ztunnel = { imageParameter: IMAGE_PARAMETER };
  const policy = { canaryCount: 2, waves: [50, 100], bakeMinutes: 10 };
  const [next = ""] = images.good;

  it.each([
    ["holds where the rollout stops", false, []],
    [
      "is violated where nobody sees that the wish is gone",
      true,
      [expect.stringMatching(`starts a roll to ${next}, and the fleet's image is ${IMAGE}`)],
    ],
  ])("%s", (_, isBlind, expected) =>
    onFleet({ services: 6, ztunnel, rollout: policy }, async (driver) => {
      await driver.putParameter(IMAGE_PARAMETER, IMAGE);
      await driver.minutes(20);
      await driver.putParameter(IMAGE_PARAMETER, next);
      await driver.minutes(8);
      if (isBlind) driver.lab.faults.add({ kind: "lambda-crash", match: { function: "rollout/request" } });
      await driver.putParameter(IMAGE_PARAMETER, IMAGE);
      await driver.minutes(60);
      expect(await wishViolations({ lab: driver.lab, faultsEndedMs: 0, isCalm: true })).toEqual(expected);
    }),
  );
});

describe("the invariant that a tenant's tags never change the outcome of others' services", () => {
  it.each<[string, Partial<Rollout>, Partial<RolloutService>, string]>([
    ["a service that was unfit before", { failedOrdinals: [0] }, { unfit: "its tasks died" }, "its tasks died"],
    ["one whose own alarm has fired", { failedOrdinals: [0] }, { reason: "alarm-fired" }, "alarm-fired"],
    [
      "one with an image by its own tag that can't start",
      { failedOrdinals: [0] },
      { ownImage: true, reason: "image-unavailable" },
      "image-unavailable",
    ],
  ])("is violated where %s counts against the budget", (_, given, service, why) =>
    quiet(async (lab) => {
      await record(lab, { id: "r-1", serviceCount: 1, ...given }, [service]);
      expect(await tenantViolations({ lab })).toEqual([
        `s0 counts against the budget of r-1, by its owner's fault: ${why}`,
      ]);
    }),
  );

  it("is violated by a chosen canary that is unfit, and by a tag's alarm that stops the rollout; else it holds", () =>
    quiet(async (lab) => {
      await record(lab, { id: "r-1", serviceCount: 1, failedOrdinals: [0] }, [{ reason: "ztunnel-unhealthy" }]);
      expect(await tenantViolations({ lab })).toEqual([]);
      const waves = [{ ...wave("canary", 0, 0, "done"), chosenOrdinals: [0] }];
      await record(lab, { id: "r-2", serviceCount: 1, waves }, [{ unfit: "its tasks died" }]);
      await record(lab, { id: "r-3", reason: { code: "alarm-fired", detail: "checkout-errors" } });
      expect((await tenantViolations({ lab })).toSorted()).toEqual([
        "s0 is a chosen canary of r-2, and unfit",
        "the rollout r-3 was stopped by an alarm of a service's tag: checkout-errors",
      ]);
    }));
});

describe("the invariant that messages are bounded by causes", () => {
  async function post(lab: Lab, text: string): Promise<void> {
    const headers = { authorization: `Bearer ${LAB_SLACK_TOKEN}`, "content-type": "application/json" };
    const body = JSON.stringify({ channel: "#mesh-ops", text });
    await lab.slack.handle({ method: "POST", path: "/slack/api/chat.postMessage", query: {}, headers, body });
  }

  it("is violated by two messages of one topic within a minute, where nothing went wrong", () =>
    quiet(async (lab) => {
      await post(lab, "web can't join the mesh");
      await lab.clock.sleep(10_000);
      await post(lab, "cart is out of the mesh");
      expect(messageViolations({ lab, isCalm: true })).toEqual([]);
      await lab.clock.sleep(10_000);
      await post(lab, "cart can't join the mesh");
      expect(messageViolations({ lab, isCalm: true })).toEqual([
        "two messages of one topic within a minute: cart can't join the mesh",
      ]);
      expect(messageViolations({ lab, isCalm: false })).toEqual([]);
    }));

  it("is violated by a flood, regardless of what went wrong", () =>
    quiet(async (lab) => {
      for (let count = 0; count < 21; count += 1) {
        expect(messageViolations({ lab, isCalm: false })).toEqual([]);
        await post(lab, `s${count}: a roll failed before it deployed anything`);
        await lab.clock.sleep(20_000);
      }
      expect(messageViolations({ lab, isCalm: false })).toEqual([
        "more than 20 messages within ten minutes: s0: a roll failed before it deployed anything",
      ]);
    }));
});

describe("the invariant that an emergency ends with nobody cut off or an operator's stop", () => {
  async function emergency(lab: Lab, finishedMinutesAgo: number, given: Partial<Rollout> = {}): Promise<void> {
    const finishedAt = new Date(lab.clock.now() - finishedMinutesAgo * MINUTE_MS).toISOString();
    const service = { serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/shop/web", status: "reverted" } as const;
    const ended = { id: "rotate-1", kind: "rotate", emergency: true, status: "completed", finishedAt } as const;
    await record(lab, { ...ended, serviceCount: 1, ...given }, [service]);
    const found = { serviceArns: [service.serviceArn], services: 1, tasks: 2, attempts: 1, rolloutId: "rotate-1" };
    const [controlPlane = ""] = lab.controlPlanes.keys();
    const mesh = { ...meshAfter("a", "b"), controlPlane };
    await lab.ledger.changeMesh(controlPlane, () => ({
      next: { ...mesh, emergency: { ...found, since: finishedAt, countedAt: finishedAt } },
    }));
  }

  it("is violated where it is not repeated, after a while", () =>
    quiet(async (lab) => {
      expect(await emergencyViolations({ lab })).toEqual([]);
      await emergency(lab, 70);
      expect(await emergencyViolations({ lab })).toEqual([]);
      await lab.clock.sleep(20 * MINUTE_MS);
      expect(await emergencyViolations({ lab })).toEqual([
        expect.stringContaining("1 services are cut off, and rotate-1 is not repeated"),
      ]);
    }));

  it("is violated where a service is cut off that was rolled, and holds once an operator has stopped it", () =>
    quiet(async (lab) => {
      await emergency(lab, 10);
      await lab.ledger.patchRolloutService("rotate-1", 0, {}, { status: "succeeded" });
      expect(await emergencyViolations({ lab })).toEqual([
        expect.stringContaining("is cut off, and rotate-1 has rolled"),
      ]);
      await lab.ledger.changeRollout("rotate-1", (one) => ({ next: { ...one, status: "aborted" } }));
      expect(await emergencyViolations({ lab })).toEqual([]);
    }));
});

describe("the invariant that a refusal is reported once", () => {
  const serviceArn = "arn:aws:ecs:us-east-1:123456789012:service/shop/web";

  it("is violated by a second event within half a minute", () =>
    quiet(async (lab) => {
      const { broken } = watchedRefusals(lab);
      const report = async (reason: string) => {
        lab.eventBridge.emit({
          version: "0",
          id: reason,
          source: "ztunnel-autopilot",
          "detail-type": "Service Refused",
          account: lab.config.homeAccount,
          region: lab.config.homeRegion,
          time: new Date(lab.clock.now()).toISOString(),
          resources: [],
          detail: { serviceArn, refusals: [{ reason }] },
        });
        await lab.clock.sleep(2000);
      };
      await report("shared-family");
      await report("windows");
      await lab.clock.sleep(40_000);
      await report("shared-family");
      expect(broken).toEqual([]);
      await report("shared-family");
      expect(broken).toEqual([`reported twice: ${serviceArn} [{"reason":"shared-family"}]`]);
      await report("windows");
      await report("windows");
      expect(broken.at(-1)).toBe(`reported twice: ${serviceArn} [{"reason":"windows"}]`);
    }));
});

describe("the invariant that the ledger is never taken for restored", () => {
  it("is violated by the event that says so", () =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      const { broken } = watchedLedger(lab);
      await lab.clock.sleep(12 * MINUTE_MS);
      expect(broken).toEqual([]);
      await lab.ledger.changeFleet(({ mark: _, ...fleet }) => ({ next: fleet }));
      await lab.clock.sleep(10 * MINUTE_MS);
      expect(broken).toEqual([expect.stringContaining('"cause":"emptied"')]);
    }));
});
