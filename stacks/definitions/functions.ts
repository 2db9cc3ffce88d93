import { eventFunctions } from "./event-functions.ts";
import type { FunctionDefinition } from "./function-definition.ts";
import { rollFunctions } from "./roll-functions.ts";
import { rolloutFunctions } from "./rollout-functions.ts";

/** The functions of a deployment. Another one is one more entry in one of these. */
export const functions: readonly FunctionDefinition[] = [...eventFunctions, ...rollFunctions, ...rolloutFunctions];
