import type { Ledger, ServiceState } from "../ledger.ts";
import { type ItemKey, meshKey, readMeshFacts, readService, STATE, serviceKey } from "./ledger-items.ts";

/** The items by `pk` and `sk`, joined by a blank. */
export type LedgerItems = Map<string, object>;

type Changes = Readonly<Record<string, unknown>>;

/**
 * The ledger in memory, with the same semantics as the one in DynamoDB. Each call reads and writes without yielding in
 * between, which makes it atomic.
 */
export function memoryLedger(items: LedgerItems = new Map()): Ledger {
  const find = (key: ItemKey) => items.get(nameOf(key));
  const store = (key: ItemKey, item: object) => items.set(nameOf(key), structuredClone({ ...key, ...item }));
  const state = (serviceArn: string): ServiceState | undefined => {
    const item = find(serviceKey(serviceArn));
    return item && readService(structuredClone(item));
  };

  function change(serviceArn: string, changes: Changes): ServiceState {
    const before = state(serviceArn) ?? { shape: 1, serviceArn };
    const after = readService(patched(before, changes));
    store(serviceKey(serviceArn), after);
    return structuredClone(after);
  }

  const held = (serviceArn: string, executionName: string) => {
    const roll = state(serviceArn)?.roll;
    return roll?.executionName === executionName ? roll : undefined;
  };

  return {
    getService: async (serviceArn) => state(serviceArn),

    listServices: async function* () {
      for (const [name, item] of [...items]) {
        if (name.endsWith(` ${STATE}`)) yield readService(structuredClone(item));
      }
    },

    takeLease: async (serviceArn, lease, nowMs) => {
      const roll = state(serviceArn)?.roll;
      const own = roll?.executionName === lease.executionName;
      if (roll && !own && roll.leaseUntil > nowMs) return undefined;
      // Its own lease is prolonged and keeps what the roll has noted.
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

    raiseAttempt: async (serviceArn, from) => {
      if ((state(serviceArn)?.attempt ?? 0) !== from) return false;
      change(serviceArn, { attempt: from + 1 });
      return true;
    },

    getMeshFacts: async (controlPlane) => {
      const item = find(meshKey(controlPlane));
      return item && readMeshFacts(structuredClone(item));
    },

    putMeshFacts: async (facts) => {
      store(meshKey(facts.controlPlane), facts);
    },
  };
}

function nameOf({ pk, sk }: ItemKey): string {
  return `${pk} ${sk}`;
}

/** The object with changes: `null` removes a member, `undefined` leaves it as it is. */
function patched(before: object, changes: object): object {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(changed) }).filter(([, value]) => value !== null),
  );
}
