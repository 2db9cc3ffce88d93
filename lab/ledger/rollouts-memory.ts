import { AutopilotError } from "../../shared/base/errors.ts";
import { costMs, firstStartMs } from "../../shared/gateways/aws/pace.ts";
import {
  fleetKey,
  META,
  paceKey,
  ROLLOUT_PREFIX,
  readFleet,
  readPace,
  readRollout,
  readRolloutService,
  rolloutKey,
  rolloutServiceKey,
  SERVICE_PREFIX,
} from "../../shared/gateways/ledger/ledger-items.ts";
import { newFleetState, type RolloutService } from "../../shared/model/rollout.ts";
import type { RolloutLedger } from "../../shared/ports/ledger.ts";
import { changeShelved, copyOf, frozen, type LedgerItems, shelf } from "./memory-items.ts";

/** What is remembered of rollouts, in memory. Each call reads and writes without yielding in between. */
export function memoryRollouts(items: LedgerItems): RolloutLedger {
  const fleets = shelf(items, readFleet);
  const rollouts = shelf(items, readRollout);
  const services = shelf(items, readRolloutService);
  const paces = shelf(items, readPace);
  const lastOrdinals = lastOrdinalsIn(items);
  const newFleet = frozen(copyOf(newFleetState));
  const getFleet = () => fleets.get(fleetKey) ?? newFleet;
  const existing = (rolloutId: string, ordinal: number): RolloutService => {
    const key = rolloutServiceKey(rolloutId, ordinal);
    const service = services.get(key);
    if (!service) throw new AutopilotError("unknown-rollout", `${key.pk} / ${key.sk}`);
    return service;
  };
  const patchService = (rolloutId: string, ordinal: number, patch: Partial<RolloutService>): RolloutService => {
    const given = Object.entries(patch).filter(([, value]) => value !== undefined);
    const next = { ...existing(rolloutId, ordinal), ...Object.fromEntries(given) };
    return services.put(rolloutServiceKey(rolloutId, ordinal), next);
  };

  return {
    getFleet: async () => getFleet(),

    changeFleet: async (change) => changeShelved({ on: fleets, key: fleetKey, before: getFleet() }, change),

    createRollout: async (rollout) => {
      const key = rolloutKey(rollout.id);
      if (rollouts.get(key)) return false;
      rollouts.put(key, rollout);
      return true;
    },

    getRollout: async (id) => rollouts.get(rolloutKey(id)),

    changeRollout: async (id, change) => {
      const key = rolloutKey(id);
      const before = rollouts.get(key);
      return before && changeShelved({ on: rollouts, key, before }, change);
    },

    listRollouts: async function* (onUnreadable) {
      yield* rollouts.list((name) => name.startsWith(ROLLOUT_PREFIX) && name.endsWith(` ${META}`), onUnreadable);
    },

    putRolloutServices: async (written) => {
      for (const service of written) {
        const { rolloutId, ordinal, startTry } = service;
        if ((services.get(rolloutServiceKey(rolloutId, ordinal))?.startTry ?? 0) > startTry) continue;
        services.put(rolloutServiceKey(rolloutId, ordinal), service);
        lastOrdinals.set(rolloutId, Math.max(ordinal, lastOrdinals.get(rolloutId) ?? 0));
      }
    },

    getRolloutService: async (rolloutId, ordinal) => services.get(rolloutServiceKey(rolloutId, ordinal)),

    patchRolloutService: async (rolloutId, ordinal, expected, patch) => {
      const before = existing(rolloutId, ordinal);
      const members: ReadonlyMap<string, unknown> = new Map(Object.entries(before));
      const isAsExpected = Object.entries(expected).every(([name, value]) => members.get(name) === value);
      return isAsExpected ? patchService(rolloutId, ordinal, patch) : undefined;
    },

    listRolloutServices: async function* (rolloutId, { first, last } = { first: 0, last: Number.POSITIVE_INFINITY }) {
      for (let ordinal = first; ordinal <= Math.min(last, lastOrdinals.get(rolloutId) ?? -1); ordinal += 1) {
        const service = services.get(rolloutServiceKey(rolloutId, ordinal));
        if (service) yield service;
      }
    },

    reserveStart: async (lane, nowMs, pace) => {
      const key = paceKey(lane);
      const before = paces.get(key);
      const after = paces.put(key, { ...before, tatMs: Math.max(before?.tatMs ?? nowMs, nowMs) + costMs(pace) });
      return firstStartMs(after.tatMs, nowMs, pace);
    },
  };
}

const SERVICE_NAME = new RegExp(`^${ROLLOUT_PREFIX}(\\S+) ${SERVICE_PREFIX}(\\d+)$`);

/** The last ordinal of each rollout, so that listing its services need not go through every item. */
function lastOrdinalsIn(items: LedgerItems): Map<string, number> {
  const last = new Map<string, number>();
  for (const name of items.keys()) {
    const [, rolloutId, ordinal] = SERVICE_NAME.exec(name) ?? [];
    if (rolloutId) last.set(rolloutId, Math.max(Number(ordinal), last.get(rolloutId) ?? 0));
  }
  return last;
}
