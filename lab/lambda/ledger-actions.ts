const GET = "dynamodb:GetItem";
const PUT = "dynamodb:PutItem";
const UPDATE = "dynamodb:UpdateItem";

/**
 * What each call of the ledger in DynamoDB does to its table, by the call's name. A call that reads again when its
 * condition fails is listed with what it always does.
 */
const actions: Readonly<Record<string, readonly string[]>> = {
  getService: [GET],
  listServices: ["dynamodb:Scan"],
  takeLease: [UPDATE],
  updateRoll: [UPDATE],
  recordSignal: [UPDATE],
  finishRoll: [UPDATE],
  patchService: [UPDATE],
  noteService: [UPDATE],
  forgetService: [UPDATE],
  claimNotice: [UPDATE],
  claimRepair: [UPDATE],
  recordNotice: [UPDATE],
  countStops: [UPDATE],
  raiseAttempt: [UPDATE],
  dropService: ["dynamodb:DeleteItem"],
  getMesh: [GET],
  changeMesh: [GET, PUT],
  getMeshFacts: [GET],
  putMeshFacts: [GET, PUT],
  getClaim: [GET],
  changeClaim: [GET, PUT],
  listClaims: ["dynamodb:Scan"],
  listKnown: ["dynamodb:Scan"],
  getFleet: [GET],
  changeFleet: [GET, PUT],
  createRollout: [PUT],
  getRollout: [GET],
  changeRollout: [GET, PUT],
  listRollouts: ["dynamodb:Scan"],
  putRolloutServices: [PUT],
  getRolloutService: [GET],
  patchRolloutService: [UPDATE],
  listRolloutServices: ["dynamodb:Query"],
  reserveStart: [UPDATE],
  getChannel: [GET],
  changeChannel: [GET, PUT],
};

/** The IAM actions of a ledger's call, `ledger.takeLease`. Throws an Error for a call that is not known. */
export function ledgerActions(call: string): readonly string[] {
  const found = actions[call.replace(/^ledger\./, "")];
  if (!found) throw new Error(`${call} is not a call of the ledger`);
  return found;
}
