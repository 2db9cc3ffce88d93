import {
  endedStatuses,
  type Rollout,
  type RolloutService,
  type RolloutServiceStatus,
  type RolloutStatus,
  rolloutServiceStatuses,
  type Wave,
} from "../model/rollout.ts";

/** A wave in numbers that add up to `size`. */
export interface WaveProgress {
  readonly name: string;
  readonly state: Wave["state"];
  readonly size: number;
  /** Has what the rollout brings, and runs with it. */
  readonly succeeded: number;
  /** Has what the rollout brings, and nothing could show whether that works. */
  readonly unverified: number;
  /** Reverted, failed, or failed to revert: what counts against the budget. */
  readonly failed: number;
  /** The rollout has no part in it: skipped, superseded, refused, or left to somebody else's deployment. */
  readonly skipped: number;
  /** Being rolled, forward or back. */
  readonly rolling: number;
  readonly waiting: number;
  readonly rolledBack: number;
  readonly stuck: number;
  /** When its first service began and the last one so far ended, epoch milliseconds. */
  readonly firstStartMs?: number;
  readonly lastEndMs?: number;
}

export interface Progress {
  readonly status: RolloutStatus;
  readonly total: number;
  readonly counts: Readonly<Record<RolloutServiceStatus, number>>;
  readonly waves: readonly WaveProgress[];
  /** Share of services that need nothing more, 0 to 1. During a rollback: of those that are rolled back. */
  readonly done: number;
}

type Column = "succeeded" | "unverified" | "failed" | "skipped" | "rolling" | "waiting" | "rolledBack" | "stuck";

const columns: Readonly<Record<RolloutServiceStatus, Column>> = {
  waiting: "waiting",
  rolling: "rolling",
  succeeded: "succeeded",
  unverified: "unverified",
  skipped: "skipped",
  superseded: "skipped",
  refused: "skipped",
  reverted: "failed",
  failed: "failed",
  "revert-failed": "failed",
  "rolling-back": "rolling",
  "rolled-back": "rolledBack",
  left: "skipped",
  stuck: "stuck",
};

interface Tally {
  seen: number;
  columns: Record<Column, number>;
  firstStartMs: number;
  lastEndMs: number;
}

/**
 * The rollout in numbers: every service's status, by wave and in all. A service of the rollout that `services` does not
 * yield counts as waiting.
 */
export function progressOf(rollout: Rollout, services: Iterable<RolloutService>): Progress {
  const counts = countsOfNone();
  const tallies = rollout.waves.map(newTally);
  let seen = 0;
  for (const service of services) {
    // An earlier attempt at the rollout's start may have found more services.
    if (service.ordinal >= rollout.serviceCount) continue;
    seen += 1;
    counts[service.status] += 1;
    const tally = tallies[service.waveIndex];
    if (tally) add(tally, service);
  }
  const total = rollout.serviceCount;
  counts.waiting += total - seen;
  return {
    status: rollout.status,
    total,
    counts,
    waves: rollout.waves.map((wave, index) => waveProgress(wave, tallies[index] ?? newTally())),
    done: doneShare(rollout.status, counts, total),
  };
}

function countsOfNone(): Record<RolloutServiceStatus, number> {
  const none = rolloutServiceStatuses.map((status) => [status, 0] as const);
  // `fromEntries` forgets the keys' type.
  return Object.fromEntries(none) as Record<RolloutServiceStatus, number>;
}

function newTally(): Tally {
  return {
    seen: 0,
    columns: { succeeded: 0, unverified: 0, failed: 0, skipped: 0, rolling: 0, waiting: 0, rolledBack: 0, stuck: 0 },
    firstStartMs: Number.POSITIVE_INFINITY,
    lastEndMs: Number.NEGATIVE_INFINITY,
  };
}

function add(tally: Tally, service: RolloutService): void {
  tally.seen += 1;
  tally.columns[columns[service.status]] += 1;
  if (service.startedAt) tally.firstStartMs = Math.min(tally.firstStartMs, Date.parse(service.startedAt));
  if (service.finishedAt) tally.lastEndMs = Math.max(tally.lastEndMs, Date.parse(service.finishedAt));
}

function waveProgress(wave: Wave, tally: Tally): WaveProgress {
  const size = Math.max(
    wave.lanes.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    tally.seen,
  );
  return {
    name: wave.name,
    state: wave.state,
    size,
    ...tally.columns,
    waiting: tally.columns.waiting + size - tally.seen,
    ...(Number.isFinite(tally.firstStartMs) ? { firstStartMs: tally.firstStartMs } : {}),
    ...(Number.isFinite(tally.lastEndMs) ? { lastEndMs: tally.lastEndMs } : {}),
  };
}

function doneShare(status: RolloutStatus, counts: Progress["counts"], total: number): number {
  if (status === "rolling-back" || status === "rolled-back") {
    const gone = counts["rolled-back"] + counts.left + counts.stuck;
    return share(gone, gone + counts.succeeded + counts.unverified + counts.rolling + counts["rolling-back"], true);
  }
  return share(total - counts.waiting - counts.rolling, total, endedStatuses.includes(status));
}

function share(part: number, whole: number, ofNothing: boolean): number {
  return whole > 0 ? part / whole : Number(ofNothing);
}

/**
 * Milliseconds until the rollout has rolled and baked its last wave: the services left at the mean pace so far, and the
 * bake time of every wave that has not baked. The pace is that of the time in which waves were rolling; bakes and holds
 * don't slow it. Undefined before the first service was rolled, while the rollout holds or rolls back, and once it has
 * ended.
 */
export function etaMs(progress: Progress, policy: { readonly bakeMinutes: number }, nowMs: number): number | undefined {
  if (progress.status !== "running") return undefined;
  const { rolled, spentMs } = paceOf(progress.waves, nowMs);
  if (rolled === 0) return undefined;
  const left = progress.counts.waiting + progress.counts.rolling;
  return Math.round((left * spentMs) / rolled + bakeLeftMs(progress.waves, policy.bakeMinutes * 60_000, nowMs));
}

function paceOf(waves: readonly WaveProgress[], nowMs: number): { rolled: number; spentMs: number } {
  let rolled = 0;
  let spentMs = 0;
  for (const wave of waves) {
    const ended = wave.succeeded + wave.unverified + wave.failed;
    if (wave.firstStartMs === undefined || wave.lastEndMs === undefined || ended === 0) continue;
    rolled += ended;
    spentMs += Math.max(0, (wave.state === "rolling" ? nowMs : wave.lastEndMs) - wave.firstStartMs);
  }
  return { rolled, spentMs };
}

function bakeLeftMs(waves: readonly WaveProgress[], bakeMs: number, nowMs: number): number {
  return waves.reduce((sum, { state, lastEndMs }) => {
    if (state === "waiting" || state === "rolling") return sum + bakeMs;
    if (state === "baking") return sum + Math.max(0, (lastEndMs ?? nowMs) + bakeMs - nowMs);
    return sum;
  }, 0);
}
