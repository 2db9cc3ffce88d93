import { judgeDeaths } from "../../shared/use-cases/rollout/judge-deaths.ts";
import { takeService } from "../../shared/use-cases/rollout/take-service.ts";
import { serviceArn } from "../support/arns.ts";
import { rolloutService, wave } from "../support/rollouts.ts";
import { underWay } from "../support/testbeds/rollouts-under-way.ts";
import { NOON } from "../support/times.ts";
import type { Scenario } from "./explorer.ts";
import { type FleetWorld, fleetWorld, seenBy, snapshotOf } from "./fleet-world.ts";

const ID = "upgrade-1";
const ARN = serviceArn("s0");
const REVISION = "arn:aws:ecs:us-east-1:123456789012:task-definition/s0:2";

const stops = {
  revisionArn: REVISION,
  count: 9,
  sinceMs: NOON,
  lastMs: NOON,
  code: "ztunnel-unhealthy",
  sentence: "Container ztunnel stopped.",
  taskIds: [],
} as const;

/** A service whose tasks die in its bake, while an operator's rollback takes it. */
export const deathScenarios: readonly Scenario<FleetWorld>[] = [
  {
    name: "deaths are judged while a rollback takes the service",
    snapshot: snapshotOf,
    create: async () => {
      const world = fleetWorld();
      const { ledger } = world.testbed;
      await underWay(world.testbed, { id: ID, waves: [wave("canary", 0, 0, "baking")], serviceCount: 1 });
      const rolled = { serviceArn: ARN, status: "succeeded", toRevisionArn: REVISION, tryCount: 1 } as const;
      await ledger.putRolloutServices([rolloutService(0, rolled)]);
      await ledger.patchService(ARN, { enrolled: true, rolledBy: { id: ID, ordinal: 0 } });
      await ledger.countStops(ARN, undefined, { ...stops, taskIds: [] });
      return world;
    },
    actors: [
      {
        name: "task event",
        act: async (world, gate) => {
          await judgeDeaths(ARN, seenBy(world, gate));
        },
      },
      {
        name: "rollback",
        act: async (world, gate) => {
          const seen = seenBy(world, gate);
          await seen.ledger.changeRollout(ID, (one) => ({ next: { ...one, status: "rolling-back" } }));
          const taken = await takeService({ id: ID, ordinal: 0, phase: "rollback" }, seen);
          if (taken.do !== "roll") return;
          const back = { status: "rolled-back" } as const;
          await gate.call("its roll ends", () => world.testbed.ledger.patchRolloutService(ID, 0, {}, back));
          world.answers.isBack = true;
        },
      },
    ],
    violations: async (world) => {
      const status = (await world.testbed.ledger.getRolloutService(ID, 0))?.status;
      return world.answers.isBack && status !== "rolled-back" ? [`a service that was rolled back is ${status}`] : [];
    },
  },
];
