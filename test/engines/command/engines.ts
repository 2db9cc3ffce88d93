import { botocore } from "../botocore/engine.ts";
import type { Engine } from "../engine.ts";

/** All engines, in the order in which they are installed and compared. */
export const engines: readonly Engine[] = [botocore];
