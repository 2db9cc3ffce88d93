import { eventFunctions } from "./event-functions.ts";
import type { FunctionDefinition } from "./function-definition.ts";
import { rollFunctions } from "./roll-functions.ts";
import { rolloutFunctions } from "./rollout-functions.ts";

/** The functions of a deployment. Another one is one more entry in one of these. */
export const functions: readonly FunctionDefinition[] = [...eventFunctions, ...rollFunctions, ...rolloutFunctions];

/** Variables of every function's environment, which `functions/context.ts` reads: names and ARNs, never a secret. */
export const environmentVariables = ["AUTOPILOT_TABLE", "AUTOPILOT_BUS", "ROLL_SERVICE_ARN", "ROLL_FLEET_ARN"] as const;
