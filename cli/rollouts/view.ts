import { hoursToMs } from "../../shared/base/durations.ts";
import type { Config } from "../../shared/config/config.ts";
import type { MeshState } from "../../shared/model/mesh.ts";
import type { Rollout, RolloutService, Wave } from "../../shared/model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../shared/ports/ledger.ts";
import { etaMs, type Progress, progressOf } from "../../shared/rollout/progress.ts";
import { newestOf } from "../../shared/trust/record.ts";
import { rotationOf } from "../../shared/use-cases/rotation/root-rotation.ts";

/** A rollout as an operator sees it at one moment. */
export interface RolloutView {
  readonly rollout: Rollout;
  readonly services: readonly RolloutService[];
  readonly progress: Progress;
  readonly etaSeconds: number | undefined;
  /** The rollout that it waits behind. */
  readonly behind: string | undefined;
  /** Of a rotation: whether the old roots may go. */
  readonly gates: readonly RootGate[];
}

/** A control plane whose root is between its two phases: old and new are in the bundle. */
export interface RootGate {
  readonly controlPlane: string;
  /** Fingerprints of the certificates that are to go. */
  readonly retiring: readonly string[];
  /** They may go: no task needs them any more, and what they have signed has run out. */
  readonly retirable: boolean;
  /** How far the rotation has come, as the watch has found it: one of `rootStages`, or what a later version adds. */
  readonly stage: string;
  /** When what the old ones have signed has run out, once a new one signs. */
  readonly until?: string;
}

export type ViewLedger = Pick<RolloutLedger, "getRollout" | "getFleet" | "listRolloutServices"> &
  Pick<Ledger, "getMesh">;

/** Reads views of one rollout, again and again: the services of a wave only while something happens to it. */
export class RolloutReader {
  readonly #ledger: ViewLedger;
  readonly #now: () => number;
  readonly #config: Config;
  readonly #waves = new Map<number, { readonly state: Wave["state"]; readonly services: readonly RolloutService[] }>();

  constructor({
    ledger,
    config,
    now,
  }: { readonly ledger: ViewLedger; readonly config: Config; readonly now: () => number }) {
    this.#ledger = ledger;
    this.#config = config;
    this.#now = now;
  }

  /** Undefined when there is no rollout of this id. */
  async read(id: string): Promise<RolloutView | undefined> {
    const { bakeMinutes } = this.#config.policy.rollout;
    const rollout = await this.#ledger.getRollout(id);
    if (!rollout) return undefined;
    const services = (await Promise.all(rollout.waves.map((wave, at) => this.#servicesOf(id, wave, at)))).flat();
    const progress = progressOf(rollout, services);
    const nowMs = Math.max(this.#now(), newestMs(rollout, services));
    const eta = etaMs(progress, { bakeMinutes: rollout.overrides.bakeMinutes ?? bakeMinutes }, nowMs);
    const { status, parked, control } = rollout;
    const mayWait = status === "waiting" || parked || control?.action === "rollback";
    const fleet = mayWait ? await this.#ledger.getFleet() : undefined;
    return {
      rollout,
      services,
      progress,
      etaSeconds: eta === undefined ? undefined : eta / 1000,
      behind: fleet?.currentRolloutId === id ? undefined : fleet?.currentRolloutId,
      gates: rollout.kind === "rotate" ? await this.#gates(rollout) : [],
    };
  }

  async #servicesOf(id: string, wave: Wave, at: number): Promise<readonly RolloutService[]> {
    if (wave.state === "waiting") return [];
    const known = this.#waves.get(at);
    const settled = wave.state === "done" || wave.state === "rolled-back";
    if (known && known.state === wave.state && settled) return known.services;
    const ordinals = wave.lanes.flatMap(({ first, last }) => [first, last]);
    if (ordinals.length === 0) return [];
    const services: RolloutService[] = [];
    const range = { first: Math.min(...ordinals), last: Math.max(...ordinals) };
    for await (const service of this.#ledger.listRolloutServices(id, range)) services.push(service);
    this.#waves.set(at, { state: wave.state, services });
    return services;
  }

  async #gates({ target }: Rollout): Promise<readonly RootGate[]> {
    const names = target.controlPlane ? [target.controlPlane] : this.#config.controlPlanes.map(({ name }) => name);
    const meshes = await Promise.all(names.map((name) => this.#ledger.getMesh(name)));
    return meshes.flatMap((mesh) => (mesh ? rootGate(mesh, this.#config, this.#now()) : []));
  }
}

function rootGate(mesh: MeshState, { policy }: Config, nowMs: number): readonly RootGate[] {
  const rotation = rotationOf(mesh, nowMs);
  if (!rotation) return [];
  const { id } = newestOf(mesh);
  const retirable = mesh.notified.retirableId === id;
  const stage = mesh.stage?.factsId === id ? mesh.stage.name : "distributing";
  const runOutMs = mesh.signer && Date.parse(mesh.signer.since) + hoursToMs(policy.leafLifetimeHours);
  const until = stage === "running-out" && runOutMs !== undefined ? { until: new Date(runOutMs).toISOString() } : {};
  return [{ controlPlane: mesh.controlPlane, retiring: rotation.retiring, retirable, stage, ...until }];
}

/**
 * The newest time that the records hold: an operator's clock may be behind, and the lab's is faster
 * than any.
 */
function newestMs({ waves, startedAt, requestedAt }: Rollout, services: readonly RolloutService[]): number {
  const times = [requestedAt, startedAt, ...[...waves, ...services].flatMap((one) => [one.startedAt, one.finishedAt])];
  return times.reduce((newest, time) => Math.max(newest, time === undefined ? 0 : Date.parse(time)), 0);
}

/** The view as JSON: no task token, nothing that only the autopilot's own steps need. `services` is their number. */
export function viewJson(
  { rollout, services, progress, etaSeconds, behind, gates }: RolloutView,
  withServices: boolean,
) {
  return {
    ...rolloutJson(rollout),
    progress: {
      total: progress.total,
      done: Math.round(progress.done * 1000) / 1000,
      counts: progress.counts,
      waves: progress.waves.map(({ firstStartMs: _, lastEndMs: __, ...wave }) => wave),
    },
    ...(etaSeconds !== undefined && { etaSeconds: Math.round(etaSeconds) }),
    ...(behind !== undefined && { behind }),
    ...(gates.length > 0 && { rootCa: gates }),
    ...(withServices && { outcomes: services.map(serviceJson) }),
  };
}

/** The rollout's record as JSON. */
export function rolloutJson(rollout: Rollout) {
  const { shape: _, version: __, expiresAt: ___, waves: ____, slack: _____, ...rest } = rollout;
  const { holdToken: ______, otherHoldTokens: _______, startTryCount: ________, ...shown } = rest;
  return shown;
}

function serviceJson({ shape: _, rolloutId: __, expiresAt: ___, ...shown }: RolloutService) {
  return shown;
}
