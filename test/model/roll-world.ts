import { type LedgerItems, memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import { AutopilotError, asAutopilotError } from "../../shared/base/errors.ts";
import { reconcileService } from "../../shared/use-cases/reconcile/reconcile-service.ts";
import { applyRoll } from "../../shared/use-cases/roll/apply-roll.ts";
import { finishRoll } from "../../shared/use-cases/roll/finish-roll.ts";
import { planRoll } from "../../shared/use-cases/roll/plan-roll.ts";
import { revertRoll } from "../../shared/use-cases/roll/revert-roll.ts";
import type { ApplyPlan, FinishInput, Plan, StepFailure, Watch } from "../../shared/use-cases/roll/steps.ts";
import { web } from "../support/arns.ts";
import { type RollTestbed, rollTestbed } from "../support/testbeds/roll.ts";
import type { Gate } from "./explorer.ts";

/** One service, the product's steps of a roll, and what they were answered. */
export interface RollWorld {
  readonly testbed: RollTestbed;
  readonly items: LedgerItems;
  /** Rolls whose last step has been answered, by name. */
  readonly ended: Record<string, string>;
  /** What may never happen, and has happened. */
  readonly seen: string[];
  /** The inputs of last steps, for those that are tried late. */
  readonly finishes: Record<string, FinishInput>;
}

/** A world of its own for each run; the facts of the mesh are known. */
export async function rollWorld(): Promise<RollWorld> {
  const items: LedgerItems = new Map();
  const testbed = { ...rollTestbed(), ledger: memoryLedger(items) };
  await testbed.ledger.putMeshFacts(testbed.plane.facts);
  return { testbed, items, ended: {}, seen: [], finishes: {} };
}

/**
 * The product's calls as one caller makes them. Reads of ECS that never change are made at once, to keep the number of
 * orders small; `executionName` is the roll that makes the calls, if one does.
 */
export function rollCalls(world: RollWorld, gate: Gate, executionName?: string) {
  const { testbed } = world;
  const guarded = new Proxy(testbed.ecs, {
    get: (ecs, key) => {
      const member: unknown = Reflect.get(ecs, key);
      if (typeof member !== "function") return member;
      if (key !== "updateService" && key !== "describeService") return member.bind(ecs) as unknown;
      const made = async (...args: unknown[]): Promise<unknown> => {
        if (key === "updateService" && executionName !== undefined) await noteStranger(world, executionName);
        return member.apply(ecs, args) as unknown;
      };
      return (...args: unknown[]) => gate.call(`ecs.${key}`, () => made(...args));
    },
  });
  const ledger = gate.over("ledger", testbed.ledger);
  return { ...testbed, ecs: guarded, ecsOf: () => guarded, ledger, bus: gate.over("bus", testbed.bus) };
}

/** A roll may change the service only while it has the lease. */
async function noteStranger({ testbed, seen }: RollWorld, executionName: string): Promise<void> {
  const holder = (await testbed.ledger.getService(web.serviceArn))?.roll?.executionName;
  if (holder !== executionName) seen.push(`UpdateService by a roll without the lease`);
}

/** All that the future of the world depends on. */
export function rollSnapshot({ testbed, items, ended, seen, finishes }: RollWorld): string {
  const { ecs, clock, bus } = testbed;
  const { statuses } = testbed.executions;
  const state = [[...items].sort(), [...ecs.services], [...statuses], clock.nowMs, bus.types(), ended, seen];
  return JSON.stringify([...state, Object.keys(finishes)]);
}

/** How the roll's own deployment ends. */
export type DeploymentEnd = "completes" | "fails";

/**
 * RollService as its state machine runs it: each step once more after what is retryable. ECS ends the deployment while
 * the roll waits for it.
 */
export async function runRoll(
  name: string,
  end: DeploymentEnd,
  { world, gate }: { readonly world: RollWorld; readonly gate: Gate },
): Promise<void> {
  const calls = rollCalls(world, gate, name);
  const plan = await twice(() => planRoll(web, name, calls)).catch((error: unknown) => {
    world.seen.push(`the first step fails: ${String(error)}`);
    throw error;
  });
  const ending = plan.action === "finish" ? finishOf(name, plan) : await changed(name, plan, end, { world, gate });
  world.finishes[name] = ending;
  const { outcome } = await twice(() => finishRoll(web, ending, calls));
  await gate.call("execution ends", async () => {
    world.ended[name] = outcome;
    world.testbed.executions.statuses.set(name, "SUCCEEDED");
  });
}

async function changed(
  name: string,
  plan: ApplyPlan,
  end: DeploymentEnd,
  { world, gate }: { readonly world: RollWorld; readonly gate: Gate },
): Promise<FinishInput> {
  const calls = rollCalls(world, gate, name);
  const applied = await twice(() => applyRoll(web, name, plan, calls)).catch((error: unknown) => {
    if (!(error instanceof AutopilotError)) world.seen.push(`the roll fails: ${String(error)}`);
    const cause = JSON.stringify({ errorMessage: `${asAutopilotError(error).code}: ${String(error)}` });
    return { watch: null, failure: { error: "Autopilot.Terminal", cause } };
  });
  if ("failure" in applied) return revert({ name, plan, ...applied }, { world, gate });
  const { watch } = applied;
  if (!watch) return finishOf(name, plan, { outcome: "superseded" });
  const isOwn = await gate.call(`the deployment ${end}`, async () => endDeployment(world, watch, end));
  if (!isOwn) return finishOf(name, plan, { outcome: "superseded", watch });
  if (end === "completes") return finishOf(name, plan, { outcome: "succeeded", watch });
  const failure: StepFailure = { verdict: "failed", code: "deployment-failed", detail: "ECS deployment failed." };
  return revert({ name, plan, watch, failure }, { world, gate });
}

async function revert(
  {
    name,
    plan,
    watch,
    failure,
  }: {
    readonly name: string;
    readonly plan: ApplyPlan;
    readonly watch: Watch | null;
    readonly failure: StepFailure;
  },
  { world, gate }: { readonly world: RollWorld; readonly gate: Gate },
): Promise<FinishInput> {
  const calls = rollCalls(world, gate, name);
  const reverted = await twice(() => revertRoll(web, name, { plan, watch, failure, cause: null }, calls));
  if (reverted.outcome === "reverting")
    await gate.call("the revert completes", async () => world.testbed.ecs.complete());
  const outcome = reverted.outcome === "reverting" ? "reverted" : reverted.outcome;
  return finishOf(name, plan, { outcome, watch: reverted.watch, failure, cause: { ...reverted.cause } });
}

/** False where another deployment has taken its place. */
function endDeployment({ testbed }: RollWorld, watch: Watch, end: DeploymentEnd): boolean {
  if (testbed.ecs.primary().id !== watch.deploymentId) return false;
  if (end === "completes") testbed.ecs.complete();
  else testbed.ecs.fail();
  return true;
}

function finishOf(name: string, plan: Plan, given: Partial<FinishInput> = {}): FinishInput {
  return {
    serviceArn: web.serviceArn,
    executionName: name,
    attemptKey: plan.action === "apply" ? plan.attemptKey : "attempt",
    rollout: null,
    plan,
    watch: null,
    outcome: plan.outcome,
    failure: null,
    firstFailure: null,
    cause: null,
    ...given,
  };
}

async function twice<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!asAutopilotError(error).retryable) throw error;
    return step();
  }
}

/** Something has happened: the service is reconciled. */
export async function look(world: RollWorld, gate: Gate): Promise<void> {
  await reconcileService(web, rollCalls(world, gate));
}

/** What holds of the service once nobody has anything left to do, in words where it does not. */
export async function serviceViolations({ testbed, ended, seen }: RollWorld): Promise<readonly string[]> {
  const state = await testbed.ledger.getService(web.serviceArn);
  const holder = state?.roll?.executionName;
  return [
    ...new Set(seen),
    ...(holder !== undefined && ended[holder] !== undefined ? ["the lease is held by a roll that has ended"] : []),
  ];
}
