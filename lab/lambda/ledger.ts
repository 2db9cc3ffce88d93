import type { Ledger } from "../../shared/ledger.ts";

/** Runs a ledger call: counts it, or lets the sandbox crash around it. */
export type AroundCall = <T>(name: string, send: () => Promise<T>) => Promise<T>;

/** The ledger with every call of it run by `around`, under the name `ledger.<call>`. */
export function instrumentedLedger(ledger: Ledger, around: AroundCall): Ledger {
  return {
    getService: (arn) => around("ledger.getService", () => ledger.getService(arn)),
    listServices: () => ledger.listServices(),
    takeLease: (...args) => around("ledger.takeLease", () => ledger.takeLease(...args)),
    updateRoll: (...args) => around("ledger.updateRoll", () => ledger.updateRoll(...args)),
    recordSignal: (...args) => around("ledger.recordSignal", () => ledger.recordSignal(...args)),
    finishRoll: (...args) => around("ledger.finishRoll", () => ledger.finishRoll(...args)),
    patchService: (...args) => around("ledger.patchService", () => ledger.patchService(...args)),
    raiseAttempt: (...args) => around("ledger.raiseAttempt", () => ledger.raiseAttempt(...args)),
    getMeshFacts: (name) => around("ledger.getMeshFacts", () => ledger.getMeshFacts(name)),
    putMeshFacts: (facts) => around("ledger.putMeshFacts", () => ledger.putMeshFacts(facts)),
  };
}
