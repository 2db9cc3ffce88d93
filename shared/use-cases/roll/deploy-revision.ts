import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Config } from "../../config/config.ts";
import type { DescribedTaskDefinition } from "../../model/service.ts";
import type { ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { REGISTER } from "../../rollout/pace.ts";
import type { ApplyContext } from "./apply-context.ts";
import { propagateTagsBefore } from "./give-back.ts";
import { type RegisterCalls, registerOnce } from "./register-once.ts";
import { withPinnedSecret } from "./secrets-in-use.ts";
import { type Applied, watching } from "./watching.ts";

interface DeployCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "updateService">;
  readonly now: () => number;
}

interface RegisterContextCalls extends DeployCalls {
  readonly ecs: Pick<EcsCalls, "updateService"> & RegisterCalls;
  readonly ledger: Pick<RolloutLedger, "reserveStart">;
}

/** Starts that a rollout leaves to others after it was throttled. */
const GIVE_WAY_STARTS = 5;

/** Registers the definition and deploys it. The ledger has the revision before the service is updated. */
export async function deployDefinition(
  ref: ServiceRef,
  change: {
    readonly definition: JsonObject;
    readonly current: DescribedTaskDefinition;
    /** The secret version that the definition pins, if it has one. */
    readonly secretInUse: string | null;
  },
  context: ApplyContext<RegisterContextCalls>,
): Promise<Applied> {
  const { plan, state, recordProgress, calls } = context;
  const { definition, current, secretInUse } = change;
  const { taskDefinitionArn, contentHash } = await registerOnce(definition, current, state, calls.ecs).catch(
    (error: unknown) => delayLane(error, ref, calls),
  );
  await recordProgress(
    { targetRevisionArn: taskDefinitionArn, revisionBeforeArn: plan.pinnedRevisionArn },
    {
      secretsInUse: withPinnedSecret(state.secretsInUse, secretInUse),
      ...remembered(state, { contentHash, taskDefinitionArn }),
    },
  );
  return deployRevision(ref, taskDefinitionArn, secretInUse, context);
}

/** The last two contents: tags that alternate need no further revisions. */
function remembered(
  { registered }: Pick<ServiceState, "registered">,
  next: NonNullable<ServiceState["registered"]>,
): ServicePatch {
  const isNew = registered !== undefined && registered.contentHash !== next.contentHash;
  return { registered: next, ...(isNew && { registeredBefore: registered }) };
}

/** Updates the service to the revision and records the deployment, which is to be waited for. */
export async function deployRevision(
  ref: ServiceRef,
  taskDefinitionArn: string,
  secretInUse: string | null,
  context: ApplyContext<DeployCalls>,
): Promise<Applied> {
  const { plan, recordProgress, calls } = context;
  const updated = await calls.ecs.updateService(ref, {
    taskDefinitionArn,
    ...tagsOfTasks(context),
    // Only tags differ: the tasks must start again to carry them.
    ...(taskDefinitionArn === plan.observedRevisionArn && { forceNewDeployment: true }),
  });
  const applied = watching(updated, taskDefinitionArn, plan, secretInUse, calls);
  await recordProgress({ deploymentId: applied.watch.deploymentId });
  return applied;
}

/** A service that leaves the mesh gets its own setting back. */
function tagsOfTasks({ plan, state, calls }: ApplyContext<DeployCalls>) {
  if (plan.namespace !== null) return calls.config.policy.propagateTags ? ({ propagateTags: true } as const) : {};
  const before = propagateTagsBefore(state.propagateTagsBefore);
  return before ? { propagateTags: before } : {};
}

/** Still throttled after every retry: delay the rollout's next starts in this account and region. */
async function delayLane(
  error: unknown,
  { account, region }: ServiceRef,
  { ledger, now }: Pick<RegisterContextCalls, "ledger" | "now">,
): Promise<never> {
  if (error instanceof AutopilotError && error.code === "throttled") {
    await ledger.reserveStart(`${account}/${region}/register`, now(), { ...REGISTER, count: GIVE_WAY_STARTS });
  }
  throw error;
}
