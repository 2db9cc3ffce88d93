import { finishRoll } from "../../shared/use-cases/roll/finish-roll.ts";
import { planRoll } from "../../shared/use-cases/roll/plan-roll.ts";
import { NAME, OBSERVED, web } from "../support/arns.ts";
import { enroll } from "../support/testbeds/rolls.ts";
import type { Actor, Scenario } from "./explorer.ts";
import {
  type DeploymentEnd,
  look,
  type RollWorld,
  rollCalls,
  rollSnapshot,
  rollWorld,
  runRoll,
  serviceViolations,
} from "./roll-world.ts";

type RollActor = Actor<RollWorld>;

function roll(name: string, end: DeploymentEnd): RollActor {
  return { name: `roll ${name}`, act: (world, gate) => runRoll(name, end, { world, gate }) };
}

/** A try of the first step that Step Functions has given up: it still runs. */
function latePlan(name: string): RollActor {
  return {
    name: "late plan",
    act: async (world, gate) => {
      await planRoll(web, name, rollCalls(world, gate, name));
    },
  };
}

/** A try of the last step that was given up, with the input of the one that counts. */
function lateFinish(name: string): RollActor {
  return {
    name: "late finish",
    act: async (world, gate) => {
      await gate.call("starts", async () => {});
      const input = world.finishes[name];
      if (input) await finishRoll(web, input, rollCalls(world, gate, name));
    },
  };
}

const looker: RollActor = { name: "look", act: look };

const pipeline: RollActor = {
  name: "pipeline",
  act: async ({ testbed }, gate) => {
    await gate.call("deploys web:6", async () => {
      testbed.ecs.deploy(OBSERVED.replace(/:\d+$/, ":6"));
      testbed.ecs.complete();
    });
  },
};

/** In the mesh as desired, after an attempt at something else has failed. */
async function enrolled(): Promise<RollWorld> {
  const world = await rollWorld();
  await enroll(world.testbed);
  await world.testbed.ledger.patchService(web.serviceArn, { failedAttemptKey: "earlier", consecutiveFailures: 1 });
  return world;
}

/** Another service account is wanted from now on, for which a roll is started that fails. */
const otherAccount: RollActor = {
  name: "roll web-next",
  act: async (world, gate) => {
    await gate.call("another service account is wanted", async () => {
      const { tags } = world.testbed.ecs.of(web);
      world.testbed.ecs.change({ tags: { ...tags, "ecs.solo.io/service-account": "other" } });
    });
    await runRoll("web-next", "fails", { world, gate });
  },
};

const common = { snapshot: rollSnapshot, maxInterruptions: 3, violations: serviceViolations } as const;

/** The failure of a roll is remembered: the same is not tried again at once. */
async function failureViolations(world: RollWorld): Promise<readonly string[]> {
  const state = await world.testbed.ledger.getService(web.serviceArn);
  const failed = Object.values(world.ended).some((outcome) => outcome === "reverted" || outcome === "failed");
  const forgotten = failed && state?.failedAttemptKey === undefined;
  const lost = failed && state?.enrolled && (state.held ?? []).length === 0;
  return [
    ...(await serviceViolations(world)),
    ...(forgotten ? ["a failed attempt is forgotten: it is tried again at once"] : []),
    ...(lost ? ["what the service holds is forgotten"] : []),
  ];
}

/** The protocol of one service: its lease, its steps, and what looks record meanwhile. */
export const rollScenarios: readonly Scenario<RollWorld>[] = [
  {
    ...common,
    name: "a roll runs, and a try of its first step is late",
    create: rollWorld,
    actors: [roll(NAME, "completes"), latePlan(NAME)],
  },
  {
    ...common,
    name: "a roll fails, and a try of its first step is late",
    create: rollWorld,
    actors: [roll(NAME, "fails"), latePlan(NAME)],
    violations: failureViolations,
  },
  {
    ...common,
    name: "a roll runs, a try of its last step is late, and another roll follows",
    create: rollWorld,
    actors: [roll(NAME, "completes"), lateFinish(NAME), roll("web-next", "completes")],
    maxInterruptions: 2,
  },
  {
    ...common,
    name: "a roll fails while the service is reconciled",
    create: enrolled,
    actors: [looker, otherAccount],
    maxInterruptions: 2,
    violations: failureViolations,
  },
  {
    ...common,
    name: "two rolls of one service begin at once",
    create: rollWorld,
    actors: [roll(NAME, "completes"), roll("web-next", "completes")],
  },
  {
    ...common,
    name: "a pipeline deploys while a roll runs and the service is reconciled",
    create: rollWorld,
    actors: [roll(NAME, "completes"), pipeline, looker],
    maxInterruptions: 2,
  },
];
