import {
  CLAIM_PREFIX,
  channelKey,
  claimKey,
  isKnownItem,
  meshKey,
  readChannel,
  readClaim,
  readKnownItem,
  readMesh,
  readService,
  SERVICE_PREFIX,
  STATE,
  serviceKey,
  unlessUnreadable,
} from "../../shared/gateways/ledger/ledger-items.ts";
import { newChannel } from "../../shared/model/channel.ts";
import { noticeMembers, type ServiceState } from "../../shared/model/service-state.ts";
import type { ChannelLedger, GoneLedger, Ledger, Ledgers } from "../../shared/ports/ledger.ts";
import { withFacts } from "../../shared/trust/generations.ts";
import { changeShelved, copyOf, frozen, itemName, keyOf, type LedgerItems, shelf } from "./memory-items.ts";
import { memoryRollouts } from "./rollouts-memory.ts";

export type { LedgerItems } from "./memory-items.ts";

type Changes = Readonly<Record<string, unknown>>;

/**
 * The ledger in memory, with the same semantics as the one in DynamoDB. Each call reads and writes without yielding in
 * between, which makes it atomic.
 */
export function memoryLedger(items: LedgerItems = new Map()): Ledgers {
  return {
    ...memoryServices(items),
    ...memoryMeshes(items),
    ...memoryClaims(items),
    ...memoryKnown(items),
    ...memoryRollouts(items),
    ...memoryChannel(items),
    ...memoryGone(items),
  };
}

type MeshCalls = Pick<Ledger, "getMesh" | "changeMesh" | "getMeshFacts" | "putMeshFacts">;
type ClaimCalls = Pick<Ledger, "getClaim" | "changeClaim" | "listClaims">;

function memoryServices(items: LedgerItems): Omit<Ledger, keyof MeshCalls | keyof ClaimCalls | "listKnown"> {
  const services = shelf(items, readService);
  const state = (serviceArn: string): ServiceState | undefined => services.get(serviceKey(serviceArn));
  const change = (serviceArn: string, changes: Changes): ServiceState =>
    services.put(serviceKey(serviceArn), patched(state(serviceArn) ?? { shape: 1, serviceArn }, changes));

  const held = (serviceArn: string, executionName: string) => {
    const roll = state(serviceArn)?.roll;
    return roll?.executionName === executionName ? roll : undefined;
  };

  return {
    getService: async (serviceArn) => state(serviceArn),

    listServices: async function* (onUnreadable) {
      yield* services.list((name) => name.startsWith(SERVICE_PREFIX) && name.endsWith(` ${STATE}`), onUnreadable);
    },

    takeLease: async (serviceArn, lease, nowMs) => {
      const roll = state(serviceArn)?.roll;
      const own = roll?.executionName === lease.executionName;
      if (roll && !own && roll.leaseUntil > nowMs) return undefined;
      if (!own && state(serviceArn)?.lastOutcome?.executionName === lease.executionName) return undefined;
      // A roll that extends its own lease keeps its record.
      const { executionName, leaseUntil } = lease;
      return change(serviceArn, { roll: { ...(own ? roll : {}), executionName, leaseUntil } });
    },

    updateRoll: async (serviceArn, executionName, roll, service = {}) => {
      const current = held(serviceArn, executionName);
      return current && change(serviceArn, { ...service, roll: patched(current, roll) });
    },

    recordSignal: async (serviceArn, signal) => {
      const current = state(serviceArn);
      if (!current?.roll) return undefined;
      const { deploymentId = signal.deploymentId } = current.roll;
      if (deploymentId !== signal.deploymentId) return current;
      return change(serviceArn, { roll: { ...current.roll, signal } });
    },

    finishRoll: async (serviceArn, executionName, service) =>
      held(serviceArn, executionName) && change(serviceArn, { ...service, roll: null }),

    patchService: async (serviceArn, service) => change(serviceArn, service),

    noteService: async (serviceArn, service, read) => {
      const current = state(serviceArn);
      const isSame =
        current?.roll?.executionName === read?.roll?.executionName &&
        (current?.attemptNumber ?? 0) === (read?.attemptNumber ?? 0);
      return isSame ? change(serviceArn, service) : undefined;
    },

    forgetService: async (serviceArn, createdAtMs, service) =>
      state(serviceArn)?.createdAtMs === createdAtMs ? change(serviceArn, service) : undefined,

    claimNotice: async (serviceArn, { member, read, ...notice }, nowMs) => {
      const current = state(serviceArn);
      const held = current?.[noticeMembers[member]];
      const isOwn = notice.by !== undefined && held?.by === notice.by;
      const isFree = !held || held.text !== notice.text || isOwn || held.untilMs <= nowMs;
      const isAsRead = !read || current?.[member] === read.text;
      if (current?.[member] === notice.text || !isAsRead || !isFree) return false;
      change(serviceArn, { [noticeMembers[member]]: notice });
      return true;
    },

    recordNotice: async (serviceArn, { member, text }, service = {}) => {
      if (state(serviceArn)?.[noticeMembers[member]]?.text !== text) return false;
      change(serviceArn, { ...service, [member]: text, [noticeMembers[member]]: null });
      return true;
    },

    claimRepair: async (serviceArn, repaired, nowMs) => {
      const held = state(serviceArn)?.repaired;
      if (held?.text === repaired.text && held.untilMs > nowMs) return false;
      change(serviceArn, { repaired });
      return true;
    },

    countStops: async (serviceArn, before, next) => {
      const current = state(serviceArn)?.stops;
      if (current?.count !== before?.count || current?.lastMs !== before?.lastMs) return false;
      change(serviceArn, { stops: next });
      return true;
    },

    raiseAttempt: async (serviceArn, from) => {
      if ((state(serviceArn)?.attemptNumber ?? 0) !== from) return false;
      change(serviceArn, { attemptNumber: from + 1 });
      return true;
    },
  };
}

function memoryMeshes(items: LedgerItems): MeshCalls {
  const meshes = shelf(items, readMesh);
  const getMesh = async (controlPlane: string) => meshes.get(meshKey(controlPlane));
  return {
    getMesh,
    changeMesh: async (controlPlane, change) => {
      const key = meshKey(controlPlane);
      return changeShelved({ on: meshes, key, before: meshes.get(key) }, change);
    },
    getMeshFacts: async (controlPlane) => (await getMesh(controlPlane))?.generations.at(-1)?.facts,
    putMeshFacts: async (facts) => {
      const key = meshKey(facts.controlPlane);
      const before = unlessUnreadable(() => meshes.get(key));
      meshes.put(key, { ...withFacts(before, facts), version: (before?.version ?? 0) + 1 });
    },
  };
}

function memoryClaims(items: LedgerItems): ClaimCalls {
  const claims = shelf(items, readClaim);
  return {
    getClaim: async (subject) => claims.get(claimKey(subject)),
    changeClaim: async (subject, change) => {
      const key = claimKey(subject);
      return changeShelved({ on: claims, key, before: claims.get(key) }, change);
    },
    listClaims: async function* (onUnreadable) {
      yield* claims.list((name) => name.startsWith(CLAIM_PREFIX), onUnreadable);
    },
  };
}

function memoryKnown(items: LedgerItems): Pick<Ledger, "listKnown"> {
  const known = shelf(items, readKnownItem);
  return {
    listKnown: async function* (onUnreadable) {
      yield* known.list((name) => isKnownItem(keyOf(name)), onUnreadable);
    },
  };
}

function memoryGone(items: LedgerItems): GoneLedger {
  const services = shelf(items, readService);
  return {
    dropService: async (serviceArn, goneSinceMs) => {
      const key = serviceKey(serviceArn);
      const state = services.get(key);
      if (!state || state.roll || state.goneSinceMs !== goneSinceMs) return false;
      return items.delete(itemName(key));
    },
  };
}

function memoryChannel(items: LedgerItems): ChannelLedger {
  const channels = shelf(items, readChannel);
  const empty = frozen(copyOf(newChannel));
  const getChannel = () => unlessUnreadable(() => channels.get(channelKey)) ?? empty;
  return {
    getChannel: async () => getChannel(),
    changeChannel: async (change) => changeShelved({ on: channels, key: channelKey, before: getChannel() }, change),
  };
}

/** The object with changes: `null` removes a member, `undefined` leaves it as it is. */
function patched(before: object, changes: object): object {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(changed) }).filter(([, value]) => value !== null),
  );
}
