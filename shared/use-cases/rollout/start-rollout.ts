import { clusterArnOf, type Place, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { tagKeys } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor, targetsOf } from "../../config/config.ts";
import { alarmNames, effectiveTags, enrollIntent } from "../../enrollment/tags.ts";
import { rolloutRefused, rolloutStarted } from "../../events/rollout-events.ts";
import { type Rollout, rolloutServiceSchema } from "../../model/rollout.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls, Log } from "../../ports/ports.ts";
import { matchesScope } from "../../rollout/identity.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import { type Candidate, cutWaves } from "../../rollout/waves.ts";
import { hasEnded } from "./queue.ts";
import { type ReleaseCalls, withdrawFromFleet } from "./release.ts";
import { AUTOPILOT } from "./request-rollout.ts";

export interface StartCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices" | "describeCluster">;
  readonly ledger: ReleaseCalls["ledger"] &
    Pick<RolloutLedger, "getRollout" | "putRolloutServices"> &
    Pick<Ledger, "listServices">;
  readonly bus: BusCalls;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * First step of RollFleet: finds the services, cuts the waves and writes both to the ledger. A rollout that has its waves
 * already, as after a restart, keeps them. An operator's rollout without a service in its scope is refused; one that the
 * autopilot asked for itself has nothing to do.
 */
export async function startRollout(rolloutId: string, calls: StartCalls): Promise<void> {
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (!rollout || hasEnded(rollout)) return;
  if (rollout.control?.action === "rollback") await withdrawFromFleet(rollout, calls);
  if (rollout.startedAt !== undefined) return tellAgain(rollout, calls);
  const { config, now } = calls;
  const candidates = await candidatesOf(rollout, calls);
  if (candidates.length === 0 && rollout.requestedBy !== AUTOPILOT) return refuseEmpty(rollout, calls);
  const alarmsOf = new Map(candidates.map(({ serviceArn, alarms }) => [serviceArn, alarms]));
  const regionOrder = targetsOf(config).map(({ region }) => region);
  const { waves, ordered } = cutWaves(candidates, resolvedPolicy(rollout, config.policy.rollout), regionOrder);
  const waveOf = (ordinal: number) =>
    waves.findIndex(({ lanes }) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last));
  await calls.ledger.putRolloutServices(
    ordered.map((serviceArn, ordinal) =>
      rolloutServiceSchema.parse({
        shape: 1,
        rolloutId,
        ordinal,
        serviceArn,
        waveIndex: waveOf(ordinal),
        alarms: alarmsOf.get(serviceArn),
        expiresAt: rollout.expiresAt,
      }),
    ),
  );
  if (rollout.kind === "unenroll") {
    // From now on the tags enroll nothing: what leaves the mesh here must not come back by itself.
    await calls.ledger.changeFleet((fleet) =>
      fleet.unenrolledBy ? undefined : { ...fleet, unenrolledBy: { rolloutId, at: new Date(now()).toISOString() } },
    );
  }
  const started = await calls.ledger.changeRollout(rolloutId, (current) =>
    current.startedAt !== undefined || hasEnded(current)
      ? undefined
      : {
          ...current,
          status: "running",
          startedAt: new Date(now()).toISOString(),
          waves,
          serviceCount: ordered.length,
        },
  );
  calls.log.info("rollout started", { rolloutId, services: ordered.length, waves: waves.length });
  if (started) await calls.bus.putEvents([rolloutStarted(started)]);
}

/** A first try of this step may have ended before it told. */
async function tellAgain(rollout: Rollout, { bus }: StartCalls): Promise<void> {
  const begun = rollout.status !== "running" || rollout.waves.some(({ state }) => state !== "waiting");
  if (!begun) await bus.putEvents([rolloutStarted(rollout)]);
}

async function refuseEmpty(rollout: Rollout, { ledger, bus, now }: StartCalls): Promise<void> {
  const reason = { code: "scope-empty", detail: JSON.stringify(rollout.scope) } as const;
  const { id: rolloutId, kind, requestedBy } = rollout;
  // Told before it is recorded: after a crash in between it is told again, else it would never be.
  await bus.putEvents([rolloutRefused({ rolloutId, kind, requestedBy, ...reason })]);
  await ledger.changeRollout(rollout.id, (current) => ({
    ...current,
    status: "refused",
    reason,
    finishedAt: new Date(now()).toISOString(),
  }));
}

/** `alarms`: CloudWatch alarms that its tag names. */
interface GuardedCandidate extends Candidate {
  readonly alarms?: string[];
}

/** Enrolled services of the scope that are there, tagged, and not yet known to have what the rollout brings. */
async function candidatesOf(rollout: Rollout, calls: StartCalls): Promise<readonly GuardedCandidate[]> {
  const planeOf = (place: Place) => controlPlaneFor(calls.config, place)?.name;
  const states = new Map<string, ServiceState>();
  for await (const state of calls.ledger.listServices()) {
    if (state.enrolled && matchesScope(rollout.scope, state, planeOf)) states.set(state.serviceArn, state);
  }
  const clusters = Map.groupBy([...states.keys()].map(serviceRef), clusterArnOf);
  const places = Map.groupBy(clusters, ([, [ref]]) => `${ref?.account}/${ref?.region}`);
  const found = await Promise.all(
    [...places.values()].map(async (ofPlace) => {
      const candidates: GuardedCandidate[] = [];
      for (const [clusterArn, refs] of ofPlace) {
        const [ref] = refs;
        if (!ref) continue;
        const ecs = calls.ecs(ref);
        const clusterTags = await tagsOf(clusterArn, ecs);
        if (!clusterTags) continue;
        const names = refs.map(({ serviceName }) => serviceName);
        for (const group of chunk(names, 10)) {
          for (const service of await ecs.describeServices(clusterArn, group)) {
            const candidate = candidateOf(service, clusterTags, calls.config);
            if (candidate) candidates.push(candidate);
          }
        }
      }
      return candidates;
    }),
  );
  return found.flat();
}

/** Undefined when the cluster is gone, and its services with it. */
async function tagsOf(clusterArn: string, ecs: ReturnType<StartCalls["ecs"]>): Promise<Tags | undefined> {
  try {
    return (await ecs.describeCluster(clusterArn)).tags;
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return undefined;
    throw error;
  }
}

function candidateOf(
  service: ObservedService,
  clusterTags: Readonly<Record<string, string>>,
  { enrollTagKey }: Config,
): GuardedCandidate | undefined {
  const { serviceArn, account, region } = service.ref;
  if (service.status !== "ACTIVE" || enrollIntent(service.tags, clusterTags, enrollTagKey) !== "in") return undefined;
  const tags = effectiveTags(service.tags, clusterTags);
  const alarms = alarmNames(tags[tagKeys.alarms]);
  return { serviceArn, account, region, canary: tags[tagKeys.wave] === "canary", ...(alarms && { alarms }) };
}
