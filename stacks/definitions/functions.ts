import { eventFunctions } from "./event-functions.ts";
import type { FunctionDefinition } from "./function-definition.ts";
import { rollFunctions } from "./roll-functions.ts";
import { rolloutFunctions } from "./rollout-functions.ts";
import type { Scope } from "./scopes.ts";

/** The functions of a deployment. Another one is one more entry in one of these. */
export const functions: readonly FunctionDefinition[] = [...eventFunctions, ...rollFunctions, ...rolloutFunctions];

/** Variables of every function's environment, which `functions/world.ts` reads, by what they name. */
export const environment = {
  AUTOPILOT_TABLE: "ledger",
  AUTOPILOT_BUS: "bus",
  ROLL_SERVICE_ARN: "roll-service",
  ROLL_FLEET_ARN: "roll-fleet",
} as const satisfies Readonly<Record<string, Scope>>;
