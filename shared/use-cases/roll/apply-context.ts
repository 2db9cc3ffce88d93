import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { RollPatch, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls, EcsCalls, Log } from "../../ports/ports.ts";
import type { EnsureSecretCalls } from "./ensure-secret.ts";
import type { ApplyPlan } from "./steps.ts";

export interface ApplyCalls {
  readonly config: Config;
  readonly ecs: Pick<
    EcsCalls,
    | "describeService"
    | "describeTaskDefinition"
    | "describeLatestTaskDefinition"
    | "registerTaskDefinition"
    | "updateService"
    | "tagResource"
  >;
  readonly secrets: EnsureSecretCalls["secrets"];
  readonly ledger: Pick<Ledger, "getService" | "updateRoll" | "changeMesh" | "getMesh" | "changeClaim"> &
    Pick<RolloutLedger, "getFleet" | "reserveStart">;
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readMeshFacts" | "readBindings" | "ensureNamespace" | "ensureServiceAccount">;
  readonly log: Pick<Log, "warn">;
  readonly now: () => number;
}

/** What all parts of the second step share. */
export interface ApplyContext<Calls = ApplyCalls> {
  readonly plan: ApplyPlan;
  /** The service's state as the step began. */
  readonly state: ServiceState;
  readonly recordProgress: RecordProgress;
  readonly calls: Calls;
}

type Progress = Pick<
  RollPatch,
  | "applyStartedAt"
  | "targetRevisionArn"
  | "revisionBeforeArn"
  | "deploymentId"
  | "revertRevisionArn"
  | "revertSecret"
  | "revertChoice"
  | "failedChoices"
  | "addedTagKeys"
  | "propagateTagsBefore"
>;

/** Writes how far the roll has come, so that a repeated step finds it. Throws `roll-in-progress` without the lease. */
export type RecordProgress = (roll: Progress, service?: ServicePatch) => Promise<void>;

/** Records the progress of this execution's roll. */
export function progressRecorder(
  { serviceArn }: ServiceRef,
  executionName: string,
  { ledger }: { readonly ledger: Pick<Ledger, "updateRoll"> },
): RecordProgress {
  return async (roll, service) => {
    const recorded = await ledger.updateRoll(serviceArn, executionName, roll, service);
    if (!recorded) throw new AutopilotError("roll-in-progress", `${serviceArn}: the lease is gone.`);
  };
}

/** When the step begins to change something, as the roll records it. */
export function startedAt({ now }: Pick<ApplyCalls, "now">): { readonly applyStartedAt: string } {
  return { applyStartedAt: new Date(now()).toISOString() };
}
