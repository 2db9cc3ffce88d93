import type { Ledgers } from "../../shared/ports/ledger.ts";

/** Runs a ledger call: counts it, or lets the sandbox crash around it. */
export type AroundCall = <T>(name: string, send: () => Promise<T>) => Promise<T>;

/** The ledger with every call of it run by `around`, under the name `ledger.<call>`. */
export function instrumentedLedger(ledger: Ledgers, around: AroundCall): Ledgers {
  const pages = <T>(name: string, list: () => AsyncIterable<T>) => pagesOf(list, (read) => around(name, read));
  return {
    getService: (arn) => around("ledger.getService", () => ledger.getService(arn)),
    listServices: async function* (onUnreadable) {
      yield* pages("ledger.listServices", () => ledger.listServices(onUnreadable));
    },
    takeLease: (...args) => around("ledger.takeLease", () => ledger.takeLease(...args)),
    updateRoll: (...args) => around("ledger.updateRoll", () => ledger.updateRoll(...args)),
    recordSignal: (...args) => around("ledger.recordSignal", () => ledger.recordSignal(...args)),
    finishRoll: (...args) => around("ledger.finishRoll", () => ledger.finishRoll(...args)),
    patchService: (...args) => around("ledger.patchService", () => ledger.patchService(...args)),
    noteService: (...args) => around("ledger.noteService", () => ledger.noteService(...args)),
    claimNotice: (...args) => around("ledger.claimNotice", () => ledger.claimNotice(...args)),
    recordNotice: (...args) => around("ledger.recordNotice", () => ledger.recordNotice(...args)),
    claimRepair: (...args) => around("ledger.claimRepair", () => ledger.claimRepair(...args)),
    forgetService: (...args) => around("ledger.forgetService", () => ledger.forgetService(...args)),
    countStops: (...args) => around("ledger.countStops", () => ledger.countStops(...args)),
    dropService: (...args) => around("ledger.dropService", () => ledger.dropService(...args)),
    raiseAttempt: (...args) => around("ledger.raiseAttempt", () => ledger.raiseAttempt(...args)),
    getMesh: (name) => around("ledger.getMesh", () => ledger.getMesh(name)),
    changeMesh: (...args) => around("ledger.changeMesh", () => ledger.changeMesh(...args)),
    getMeshFacts: (name) => around("ledger.getMeshFacts", () => ledger.getMeshFacts(name)),
    putMeshFacts: (facts) => around("ledger.putMeshFacts", () => ledger.putMeshFacts(facts)),
    getClaim: (subject) => around("ledger.getClaim", () => ledger.getClaim(subject)),
    changeClaim: (...args) => around("ledger.changeClaim", () => ledger.changeClaim(...args)),
    listClaims: async function* (onUnreadable) {
      yield* pages("ledger.listClaims", () => ledger.listClaims(onUnreadable));
    },
    listKnown: async function* (onUnreadable) {
      yield* pages("ledger.listKnown", () => ledger.listKnown(onUnreadable));
    },
    getFleet: () => around("ledger.getFleet", () => ledger.getFleet()),
    changeFleet: (change) => around("ledger.changeFleet", () => ledger.changeFleet(change)),
    createRollout: (rollout) => around("ledger.createRollout", () => ledger.createRollout(rollout)),
    getRollout: (id) => around("ledger.getRollout", () => ledger.getRollout(id)),
    changeRollout: (...args) => around("ledger.changeRollout", () => ledger.changeRollout(...args)),
    listRollouts: async function* (onUnreadable) {
      yield* pages("ledger.listRollouts", () => ledger.listRollouts(onUnreadable));
    },
    putRolloutServices: (services) => around("ledger.putRolloutServices", () => ledger.putRolloutServices(services)),
    getRolloutService: (...args) => around("ledger.getRolloutService", () => ledger.getRolloutService(...args)),
    patchRolloutService: (...args) => around("ledger.patchRolloutService", () => ledger.patchRolloutService(...args)),
    listRolloutServices: async function* (...args) {
      yield* pages("ledger.listRolloutServices", () => ledger.listRolloutServices(...args));
    },
    getChannel: () => around("ledger.getChannel", () => ledger.getChannel()),
    changeChannel: (change) => around("ledger.changeChannel", () => ledger.changeChannel(change)),
    reserveStart: (...args) => around("ledger.reserveStart", () => ledger.reserveStart(...args)),
  };
}

/** A page of DynamoDB has up to 1 MB: about as many of the ledger's items. */
const PAGE_ITEMS = 500;

/** Lists page by page, as DynamoDB does: what is written while a page is worked through shows in the next one alone. */
async function* pagesOf<T>(
  list: () => AsyncIterable<T>,
  around: (read: () => Promise<readonly T[]>) => Promise<readonly T[]>,
): AsyncGenerator<T> {
  const items = list()[Symbol.asyncIterator]();
  const read = async (): Promise<readonly T[]> => {
    const page: T[] = [];
    while (page.length < PAGE_ITEMS) {
      const next = await items.next();
      if (next.done === true) break;
      page.push(next.value);
    }
    return page;
  };
  for (;;) {
    const page = await around(read);
    yield* page;
    if (page.length < PAGE_ITEMS) return;
  }
}
