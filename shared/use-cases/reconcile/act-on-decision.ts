import type { Config } from "../../config/config.ts";
import { attemptKeyOf, nextAttempt } from "../../deployment/attempts.ts";
import { executionName } from "../../deployment/execution-name.ts";
import { awaitsVerification, VERIFICATION } from "../../deployment/verification.ts";
import { type WishRate, wasNotifiedOfRate, wishRate } from "../../deployment/wish-rate.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { desiredContent } from "../../enrollment/definition.ts";
import { serviceRefused, serviceThrottled, serviceWarned } from "../../events/service-events.ts";
import { hasEndedExecution } from "../../model/execution-status.ts";
import type { Refusal, Warning } from "../../model/reasons.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { holdsLease } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls, ExecutionCalls, Log } from "../../ports/ports.ts";
import { type NoticeCalls, notifyOnce } from "../observe/notify-once.ts";
import type { ObservedState } from "../observe/observe.ts";
import { removeAddedTags } from "../observe/remove-added-tags.ts";
import { admitCorrection } from "./contested-service.ts";
import { notesOf, warningText } from "./notes.ts";
import { type RepairCalls, repair } from "./repair.ts";

/** The result of reconciling one service. */
export type Reconciled =
  | { readonly did: "nothing"; readonly why: NothingReason }
  | { readonly did: "refused"; readonly refusals: readonly Refusal[] }
  | { readonly did: "started"; readonly executionName: string; readonly action: StartedAction };

/** What a roll was started for. `verify`: the first tasks of what was deployed while none ran. */
export type StartedAction = "enroll" | "update" | "unenroll" | "verify";

export type NothingReason =
  | "not-enrolled"
  | "as-desired"
  | "awaits-rollout"
  | "fleet-unenrolled"
  | "fleet-adopting"
  | "tag-key-changed"
  | "roll-in-progress"
  | "deployment-in-flight"
  | "backing-off"
  | "contested"
  | "too-many-changes"
  | "already-started";

export interface ReconcileCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "untagResource"> & RepairCalls["ecs"];
  readonly ledger: Pick<Ledger, "patchService" | "noteService" | "raiseAttempt" | "claimRepair"> &
    NoticeCalls["ledger"];
  readonly executions: Pick<ExecutionCalls, "startExecution">;
  readonly bus: BusCalls;
  readonly log: Pick<Log, "warn" | "error">;
  readonly now: () => number;
  /** Clusters whose tag this sweep has put back, or has tried to. */
  readonly repairedClusters?: Set<string>;
}

/**
 * Acts on a decision: starts a roll, notifies a refusal once, or records that the service is as desired. In ECS itself
 * it changes nothing but tags that the autopilot added to a service which has left the mesh by another way, and what
 * `repair` puts right. While a roll holds the service's lease, it starts nothing and requests a recheck, so that the
 * event of that roll's end leads here.
 */
export async function actOnDecision(
  observed: ObservedState,
  decision: Decision,
  calls: ReconcileCalls,
): Promise<Reconciled> {
  const { service, state } = observed;
  if (holdsLease(state, calls.now())) {
    if (decision.action !== "none" && !state?.recheckRequested)
      await calls.ledger.patchService(service.ref.serviceArn, { recheckRequested: true });
    return { did: "nothing", why: "roll-in-progress" };
  }
  switch (decision.action) {
    case "none":
      if (decision.reason !== "not-enrolled" && !decision.unprovable && awaitsVerification(service, state)) {
        await repair(observed, decision.repairs, calls);
        return startRoll(observed, { action: "verify", content: VERIFICATION }, calls);
      }
      await recordUnchanged(observed, decision, calls);
      await repair(observed, decision.repairs, calls);
      return { did: "nothing", why: decision.reason };
    case "refuse":
      await notifyRefusals(service, state, decision.refusals, calls);
      return { did: "refused", refusals: decision.refusals };
    case "enroll":
    case "update":
      return startOrRepair(observed, decision, calls);
    case "unenroll":
      return startRoll(observed, wishOf(decision, calls.config), calls);
  }
}

/** What a roll is to bring: its content distinguishes attempts. */
interface Wish {
  readonly action: StartedAction;
  readonly content: string;
}

function wishOf(decision: Extract<Decision, { action: "enroll" | "update" | "unenroll" }>, config: Config): Wish {
  return { action: decision.action, content: desiredContent(decision, config) };
}

/** A service in the mesh that has to wait for its roll gets now what needs none. */
async function startOrRepair(
  observed: ObservedState,
  decision: Extract<Decision, { action: "enroll" | "update" }>,
  calls: ReconcileCalls,
): Promise<Reconciled> {
  const waits = calls.config.policy.inFlight === "wait" && primaryInProgress(observed.service);
  const done = waits
    ? ({ did: "nothing", why: "deployment-in-flight" } as const)
    : await startUncontested(observed, decision, calls);
  if (done.did === "started" && decision.action === "enroll") await warnBefore(observed, decision.warnings, calls);
  if (done.did === "nothing") await repair(observed, decision.repairs, calls);
  return done;
}

/** A service that has left its last good revision was deployed by somebody: by a controller that fights, or not. */
async function startUncontested(
  observed: ObservedState,
  decision: Extract<Decision, { action: "enroll" | "update" }>,
  calls: ReconcileCalls,
): Promise<Reconciled> {
  const { service, state, definition } = observed;
  const wish = wishOf(decision, calls.config);
  if (!definition || !state?.enrolled || state.lastGoodRevisionArn === service.taskDefinitionArn) {
    return startRoll(observed, wish, calls);
  }
  const corrections = await admitCorrection(observed, definition, calls);
  if (!corrections) return { did: "nothing", why: "contested" };
  const done = await startRoll(observed, wish, calls);
  if (done.did === "started") await calls.ledger.patchService(service.ref.serviceArn, { corrections });
  return done;
}

/** What makes the enrollment itself slow is said when it begins, not when it has ended. */
async function warnBefore(observed: ObservedState, warnings: readonly Warning[], calls: NoticeCalls): Promise<void> {
  const text = warningText(warnings);
  if (!warnings.some(({ code }) => code === "slow-deployment") || observed.state?.notifiedWarnings === text) return;
  await notifyWarnings(observed, text, { warnings }, calls);
}

async function startRoll(
  { service, state }: ObservedState,
  { action, content }: Wish,
  calls: ReconcileCalls,
): Promise<Reconciled> {
  const attemptKey = attemptKeyOf(service.taskDefinitionArn, content);
  const next = nextAttempt(state, attemptKey, calls.now());
  if (!next.start) return { did: "nothing", why: "backing-off" };
  const { taskDefinitionArn } = service;
  const rate = wishRate(state, { taskDefinitionArn, attemptKey }, calls.now());
  if (rate.case === "later") {
    await notifyThrottled(service, state, rate, calls);
    return { did: "nothing", why: "too-many-changes" };
  }
  const done = await startAttempt(service, { action, content, attemptKey, attempt: state?.attemptNumber ?? 0 }, calls);
  if (done.did === "started" && rate.case === "start")
    await calls.ledger.patchService(service.ref.serviceArn, { wishRolls: rate.wishRolls });
  return done;
}

/** People are notified once a day of a service whose tags go on changing. */
async function notifyThrottled(
  { ref }: ObservedService,
  state: ServiceState | undefined,
  { notBeforeMs, rolls }: Extract<WishRate, { case: "later" }>,
  calls: NoticeCalls & Pick<ReconcileCalls, "log">,
): Promise<void> {
  const until = new Date(notBeforeMs).toISOString();
  calls.log.warn("tags change too often: what they ask for then is done later", { until });
  if (wasNotifiedOfRate(state ?? {}, calls.now())) return;
  const event = serviceThrottled(ref, { rolls, until });
  await notifyOnce(
    ref,
    { member: "notifiedThrottled", text: until, read: { text: state?.notifiedThrottled } },
    event,
    calls,
  );
}

async function startAttempt(
  service: ObservedService,
  { action, content, attemptKey, attempt }: Wish & { readonly attemptKey: string; readonly attempt: number },
  calls: ReconcileCalls,
): Promise<Reconciled> {
  const { serviceArn } = service.ref;
  const name = (n: number) =>
    executionName({ serviceArn, observedRevisionArn: service.taskDefinitionArn, desiredContent: content, attempt: n });
  const input = { serviceArn, attemptKey };
  const first = await calls.executions.startExecution({ name: name(attempt), input });
  if (first.started) return { did: "started", executionName: name(attempt), action };
  if (!hasEndedExecution(first.status)) return { did: "nothing", why: "already-started" };
  // That execution ended without raising the attempt: it was stopped, or never held the lease.
  if (!(await calls.ledger.raiseAttempt(serviceArn, attempt))) return { did: "nothing", why: "already-started" };
  const second = await calls.executions.startExecution({ name: name(attempt + 1), input });
  if (!second.started) return { did: "nothing", why: "already-started" };
  return { did: "started", executionName: name(attempt + 1), action };
}

function primaryInProgress(service: ObservedService): boolean {
  return service.deployments.some(({ status, rolloutState }) => status === "PRIMARY" && rolloutState === "IN_PROGRESS");
}

async function recordUnchanged(
  observed: ObservedState,
  decision: Extract<Decision, { action: "none" }>,
  calls: ReconcileCalls,
): Promise<void> {
  const { service, state } = observed;
  const { notifiedWarnings: warnings, ...notes } = notesOf(observed, decision, calls.config);
  const { serviceArn } = service.ref;
  // Of what people were notified does not depend on what a roll does meanwhile.
  if (warnings) await notifyWarnings(observed, warnings, decision, calls);
  else if (warnings === null) await calls.ledger.patchService(serviceArn, { notifiedWarnings: null });
  if (Object.keys(notes).length === 0) return;
  const kept = notes.addedTagKeys && state ? await removeAddedTags(service.ref, state.addedTagKeys, calls) : undefined;
  await calls.ledger.noteService(serviceArn, { ...notes, ...(kept && { addedTagKeys: kept }) }, state);
}

/** Notifies of warnings and records that, unless another reconcile is about to. */
async function notifyWarnings(
  { service: { ref }, state }: Pick<ObservedState, "service" | "state">,
  text: string,
  { warnings }: Pick<Extract<Decision, { action: "none" }>, "warnings">,
  calls: NoticeCalls,
): Promise<void> {
  await notifyOnce(
    ref,
    { member: "notifiedWarnings", text, read: { text: state?.notifiedWarnings } },
    serviceWarned(ref, warnings),
    calls,
  );
}

async function notifyRefusals(
  service: ObservedService,
  state: ServiceState | undefined,
  refusals: readonly Refusal[],
  calls: NoticeCalls,
): Promise<void> {
  const text = refusals.map(({ reason, detail }) => `${reason}: ${detail}`).join("\n");
  if (state?.notifiedRefusals === text) return;
  const notice = { member: "notifiedRefusals", text, read: { text: state?.notifiedRefusals } } as const;
  const inMesh = state?.enrolled ? ({ enrolled: true } as const) : {};
  await notifyOnce(service.ref, notice, serviceRefused(service.ref, refusals, inMesh), calls);
}
