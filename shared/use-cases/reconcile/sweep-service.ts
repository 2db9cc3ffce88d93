import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { strandedOf } from "../../deployment/stranded.ts";
import { awaitsVerification } from "../../deployment/verification.ts";
import { sharedFamily } from "../../enrollment/families.ts";
import { enrollIntent } from "../../enrollment/tags.ts";
import { needsTaskTags } from "../../enrollment/task-tags.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { currentState } from "../observe/current-state.ts";
import { decideObserved, type ObservedState, observeDescribed } from "../observe/observe.ts";
import { decideWithTasks } from "../observe/observe-tasks.ts";
import { actOnDecision } from "./act-on-decision.ts";
import { noteHeld, notesOf } from "./notes.ts";
import { remindStranded } from "./remind-stranded.ts";
import { secretReferences } from "./secret-references.ts";
import { judgedOn, type SettledService } from "./settled.ts";
import type { PlaceCalls, ServiceCalls, Waiting } from "./sweep-calls.ts";

/** A roll that is under way brings its tasks their tags. */
const NO_TASKS = { servicesLeft: 0 };

/** Reconciles a service that was described. True when it could be read. */
export async function sweepService(service: ObservedService, calls: PlaceCalls): Promise<boolean> {
  const { tally, sighting, config } = calls;
  const { serviceArn } = service.ref;
  tally.seen += 1;
  sighting.see(service);
  try {
    const state = await currentState(service, await calls.states.get(serviceArn), calls.ledger);
    sighting.remember(service, state, config);
    if (state?.enrolled && (await isUntagged(service, calls))) tally.untagged += 1;
    if (strandedOf(service, state)) tally.stranded += 1;
    await remindStranded(service, state, calls);
    const settled = await knownSettled(service, state, calls);
    if (settled) {
      sighting.use(service, settled.secrets);
      tally.see(state, settled.decision);
      return true;
    }
    await reconcile(service, state, calls);
    return true;
  } catch (error) {
    tellFailure(serviceArn, error, calls);
    return asAutopilotError(error).code === "ledger-item-unreadable" && seeUncertain(service, calls);
  }
}

async function isUntagged({ ref, tags }: ObservedService, { ecs, config }: PlaceCalls): Promise<boolean> {
  const { tags: clusterTags } = await ecs.describeCluster(clusterArnOf(ref));
  return enrollIntent(tags, clusterTags, config.enrollTagKey) === "absent";
}

/** Sees what a service uses whose item can't be read. True when that could be read. */
async function seeUncertain(service: ObservedService, { ecs, config, sighting }: PlaceCalls): Promise<boolean> {
  try {
    const { definition } = await observeDescribed(service, undefined, { ecs, config, thorough: true });
    sighting.use(service, secretReferences(definition?.raw, config.keys.prefix));
    sighting.uncertain.add(service.ref.serviceArn);
    return true;
  } catch {
    return false; // it was logged already that the service could not be swept
  }
}

/** The same once more, for a service of which the sweep has learned more since. */
export async function sweepAgain(ref: ServiceRef, calls: PlaceCalls): Promise<void> {
  const [service] = await calls.ecs.describeServices(clusterArnOf(ref), [ref.serviceName]);
  if (service) await reconcile(service, await calls.ledger.getService(ref.serviceArn), calls, { isSeen: true });
}

async function reconcile(
  service: ObservedService,
  state: ServiceState | undefined,
  calls: PlaceCalls,
  { isSeen = false } = {},
): Promise<void> {
  const { config, reads, ecs, sighting, waiting } = calls;
  const described = await observeDescribed(service, state, { ecs, config, thorough: true });
  const secrets = secretReferences(described.definition?.raw, config.keys.prefix);
  sighting.use(service, secrets);
  const budget = state?.roll ? NO_TASKS : calls.taskReads;
  const decide = (seen: ObservedState) => decideObserved(seen, config, reads);
  const { observed, decision } = await decideWithTasks(described, decide, { ecs, config, budget });
  await noteHeld(observed, calls);
  await calls.noteAdopted?.(observed, decision, calls);
  if (decision.action === "none") await noteSettled(observed, { decision, secrets }, calls);
  if (decision.action === "enroll" && !config.policy.sharedFamilies) waiting.push({ observed, decision, isSeen });
  else await act({ observed, decision, isSeen }, calls);
}

async function act({ observed, decision, isSeen }: Waiting, calls: PlaceCalls): Promise<void> {
  const { tally } = calls;
  if (!isSeen) tally.see(observed.state, decision);
  if (tally.admits(decision.action)) tally.note(decision.action, await actOnDecision(observed, decision, calls));
}

/** Enrolls those that have waited, unless another service has the family: then a service is refused. */
export async function enrollWaiting(calls: PlaceCalls): Promise<void> {
  const { waiting, sighting, ledger, config, reads } = calls;
  for (const one of waiting.splice(0)) {
    const { service } = one.observed;
    const { serviceArn } = service.ref;
    try {
      const shared = sharedFamily(service, { services: sighting.families.othersOf(service) });
      if (!shared) {
        await act(one, calls);
        continue;
      }
      const observed = { ...one.observed, state: await ledger.patchService(serviceArn, { sharedFamily: shared }) };
      await act({ ...one, observed, decision: await decideObserved(observed, config, reads) }, calls);
    } catch (error) {
      tellFailure(serviceArn, error, calls);
    }
  }
}

/** The result of an earlier sweep, when nothing has changed since: the task definition need not be read again. */
async function knownSettled(
  service: ObservedService,
  state: ServiceState | undefined,
  { ecs, reads, settled }: Pick<PlaceCalls, "ecs" | "reads" | "settled">,
): Promise<SettledService | undefined> {
  if (!settled || state?.roll) return undefined;
  const { tags: clusterTags } = await ecs.describeCluster(clusterArnOf(service.ref));
  const fleet = await reads.mark(service.ref);
  return settled.find(service.ref.serviceArn, judgedOn({ service, clusterTags, state, fleet }));
}

async function noteSettled(
  observed: ObservedState,
  found: SettledService,
  { config, reads, settled }: Pick<PlaceCalls, "config" | "reads" | "settled">,
): Promise<void> {
  const { service, state } = observed;
  if (!settled || state?.roll || awaitsVerification(service, state)) return;
  if (found.decision.repairs.length > 0 || needsTaskTags(service, state, config)) return;
  if (Object.keys(notesOf(observed, found.decision, config)).length > 0) return;
  const fleet = await reads.mark(service.ref);
  settled.note(service.ref.serviceArn, judgedOn({ ...observed, fleet }), found);
}

/** Logs and counts what could not be swept. */
export function tellFailure(what: string, cause: unknown, calls: Pick<ServiceCalls, "log" | "tally">): void {
  const { code, message } = asAutopilotError(cause);
  calls.tally.failed += 1;
  calls.log.error(`not swept: ${what}`, { code, why: message });
}
