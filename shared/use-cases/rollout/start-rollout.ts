import { targetsOf } from "../../config/config.ts";
import type { RolloutPolicy } from "../../config/rollout-policy.ts";
import { rolloutRefused, rolloutStarted } from "../../events/rollout-events.ts";
import { type Rollout, type RolloutService, rolloutServiceSchema } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, Log } from "../../ports/ports.ts";
import { OWN_ALARM } from "../../rollout/counted.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import { believed, UNFIT } from "../../rollout/unfit.ts";
import { type CutWaves, cutWaves } from "../../rollout/waves.ts";
import { AUTOPILOT } from "../../rollout/wish.ts";
import { alarmedServices, type GuardCalls } from "./alarms.ts";
import { type CandidateCalls, findCandidates, type GuardedCandidate } from "./candidates.ts";
import { hasEnded } from "./queue.ts";
import { type ReleaseCalls, withdrawFromFleet } from "./release.ts";

export interface StartCalls extends CandidateCalls, Pick<GuardCalls, "alarms"> {
  readonly ledger: CandidateCalls["ledger"] &
    ReleaseCalls["ledger"] &
    Pick<RolloutLedger, "getRollout" | "putRolloutServices">;
  readonly bus: BusCalls;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * First step of RollFleet: finds the services, cuts the waves and writes both to the ledger. A rollout that has its
 * waves already, as in a later execution, keeps them. An operator's rollout without a service in its scope is refused;
 * one that the autopilot has requested itself completes with nothing to do.
 */
export async function startRollout(rolloutId: string, calls: StartCalls): Promise<void> {
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (!rollout || hasEnded(rollout)) return;
  if (rollout.control?.action === "rollback") await withdrawFromFleet(rollout, calls);
  if (rollout.startedAt !== undefined) return notifyAgain(rollout, calls);
  const { config, ledger, log, now } = calls;
  const tryNumber = await beginTry(rolloutId, calls);
  if (tryNumber === undefined) return;
  const patient = tryNumber < MAX_PATIENT_TRIES;
  const { candidates, failure } = await findCandidates(rollout, calls, { patient });
  if (candidates.length === 0 && failure) throw failure;
  if (candidates.length === 0 && rollout.requestedBy !== AUTOPILOT) return refuseEmpty(rollout, calls);
  const mustGo = rollout.emergency || rollout.kind === "unenroll";
  const alarmed = mustGo ? new Map<string, string>() : await alarmedServices(candidates, calls);
  const regionOrder = targetsOf(config).map(({ region }) => region);
  const judged = believed(candidates).map((one) => withAlarm(one, alarmed.get(one.serviceArn)));
  const cut = cutWaves(judged, resolvedPolicy(rollout, config.policy.rollout), regionOrder);
  const services = servicesIn(rollout, cut, judged, mustGo ? "last" : config.policy.rollout.unfit);
  await ledger.putRolloutServices(services.map((service) => ({ ...service, startTry: tryNumber })));
  if (rollout.kind === "unenroll") {
    // From now on tags enroll nothing: a service that leaves the mesh here must not come back by itself.
    await ledger.changeFleet((fleet) =>
      fleet.unenrolledBy || fleet.currentRolloutId !== rolloutId
        ? {}
        : { next: { ...fleet, unenrolledBy: { rolloutId, at: new Date(now()).toISOString() } } },
    );
  }
  const { waves } = cut;
  const serviceCount = cut.ordered.length;
  const started = await ledger.changeRollout(rolloutId, (current) => {
    if (current.startedAt !== undefined || current.startTryCount !== tryNumber || hasEnded(current)) return {};
    return { next: { ...current, status: "running", startedAt: new Date(now()).toISOString(), waves, serviceCount } };
  });
  log.info("rollout started", { rolloutId, services: serviceCount, waves: waves.length });
  if (started) await calls.bus.putEvents([rolloutStarted(started.stored)]);
}

/** About twenty minutes: a region that is down for longer must not keep the others from their rollout. */
const MAX_PATIENT_TRIES = 10;

/**
 * Numbers this try. Undefined where the rollout has started since. An earlier try that was given up may still run:
 * what it writes does not count once a later one has its number.
 */
async function beginTry(rolloutId: string, { ledger }: Pick<StartCalls, "ledger">): Promise<number | undefined> {
  const changed = await ledger.changeRollout(rolloutId, (current) =>
    current.startedAt !== undefined || hasEnded(current)
      ? {}
      : { next: { ...current, startTryCount: current.startTryCount + 1 }, result: current.startTryCount + 1 },
  );
  return changed?.result;
}

/** A service whose own alarm fires already is held back: nothing could be seen in it. */
function withAlarm(candidate: GuardedCandidate, alarm: string | undefined): GuardedCandidate {
  return alarm === undefined ? candidate : { ...candidate, unfit: alarm, isHeldBack: true };
}

/** The rollout's services as they begin, by their ordinals. */
function servicesIn(
  { id: rolloutId, expiresAt }: Rollout,
  { waves, ordered }: CutWaves,
  candidates: readonly GuardedCandidate[],
  unfitGo: RolloutPolicy["unfit"],
): readonly RolloutService[] {
  const byArn = new Map(candidates.map((candidate) => [candidate.serviceArn, candidate]));
  const waveOf = (ordinal: number) =>
    waves.findIndex(({ lanes }) => lanes.some(({ first, last }) => ordinal >= first && ordinal <= last));
  return ordered.map((serviceArn, ordinal) => {
    const { alarms, unfit, ownImage, isHeldBack } = byArn.get(serviceArn) ?? {};
    const isSkipped = isHeldBack || (unfit !== undefined && unfitGo === "skip");
    return rolloutServiceSchema.parse({
      shape: 1,
      rolloutId,
      ordinal,
      serviceArn,
      waveIndex: waveOf(ordinal),
      alarms,
      unfit,
      ownImage,
      ...(isSkipped && { status: "skipped", reason: isHeldBack ? OWN_ALARM : UNFIT, detail: unfit }),
      expiresAt,
    });
  });
}

/** An earlier attempt may have crashed before it emitted its event. */
async function notifyAgain(rollout: Rollout, { bus }: StartCalls): Promise<void> {
  const begun = rollout.status !== "running" || rollout.waves.some(({ state }) => state !== "waiting");
  if (!begun) await bus.putEvents([rolloutStarted(rollout)]);
}

async function refuseEmpty(rollout: Rollout, { ledger, bus, now }: StartCalls): Promise<void> {
  const reason = { code: "scope-empty", detail: JSON.stringify(rollout.scope) } as const;
  const { id: rolloutId, kind, requestedBy } = rollout;
  // Emit before recording: after a crash in between, the event is emitted twice rather than never.
  await bus.putEvents([rolloutRefused({ rolloutId, kind, requestedBy, ...reason })]);
  await ledger.changeRollout(rollout.id, (current) => ({
    next: { ...current, status: "refused", reason, finishedAt: new Date(now()).toISOString() },
  }));
}
