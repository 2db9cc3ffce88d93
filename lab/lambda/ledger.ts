import type { Ledgers } from "../../shared/ports/ledger.ts";

/** Runs a ledger call: counts it, or lets the sandbox crash around it. */
export type AroundCall = <T>(name: string, send: () => Promise<T>) => Promise<T>;

/** The ledger with every call of it run by `around`, under the name `ledger.<call>`. */
export function instrumentedLedger(ledger: Ledgers, around: AroundCall): Ledgers {
  return {
    getService: (arn) => around("ledger.getService", () => ledger.getService(arn)),
    listServices: async function* () {
      await around("ledger.listServices", async () => undefined);
      yield* ledger.listServices();
    },
    takeLease: (...args) => around("ledger.takeLease", () => ledger.takeLease(...args)),
    updateRoll: (...args) => around("ledger.updateRoll", () => ledger.updateRoll(...args)),
    recordSignal: (...args) => around("ledger.recordSignal", () => ledger.recordSignal(...args)),
    finishRoll: (...args) => around("ledger.finishRoll", () => ledger.finishRoll(...args)),
    patchService: (...args) => around("ledger.patchService", () => ledger.patchService(...args)),
    raiseAttempt: (...args) => around("ledger.raiseAttempt", () => ledger.raiseAttempt(...args)),
    getMesh: (name) => around("ledger.getMesh", () => ledger.getMesh(name)),
    changeMesh: (...args) => around("ledger.changeMesh", () => ledger.changeMesh(...args)),
    getMeshFacts: (name) => around("ledger.getMeshFacts", () => ledger.getMeshFacts(name)),
    putMeshFacts: (facts) => around("ledger.putMeshFacts", () => ledger.putMeshFacts(facts)),
    getFleet: () => around("ledger.getFleet", () => ledger.getFleet()),
    changeFleet: (change) => around("ledger.changeFleet", () => ledger.changeFleet(change)),
    createRollout: (rollout) => around("ledger.createRollout", () => ledger.createRollout(rollout)),
    getRollout: (id) => around("ledger.getRollout", () => ledger.getRollout(id)),
    changeRollout: (...args) => around("ledger.changeRollout", () => ledger.changeRollout(...args)),
    listRollouts: async function* () {
      await around("ledger.listRollouts", async () => undefined);
      yield* ledger.listRollouts();
    },
    putRolloutServices: (services) => around("ledger.putRolloutServices", () => ledger.putRolloutServices(services)),
    getRolloutService: (...args) => around("ledger.getRolloutService", () => ledger.getRolloutService(...args)),
    patchRolloutService: (...args) => around("ledger.patchRolloutService", () => ledger.patchRolloutService(...args)),
    listRolloutServices: async function* (...args) {
      await around("ledger.listRolloutServices", async () => undefined);
      yield* ledger.listRolloutServices(...args);
    },
    reserveStart: (...args) => around("ledger.reserveStart", () => ledger.reserveStart(...args)),
  };
}
