import * as z from "zod";
import { AutopilotError } from "../shared/base/errors.ts";

/** The input as the schema has it. Throws `malformed-event` that names the wrong members, never their values. */
export function parsed<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new AutopilotError("malformed-event", z.prettifyError(result.error), { cause: result.error });
}
