import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import type { AutopilotDetailType } from "../base/vocabulary.ts";
import type { BusEvent } from "../ports/ports.ts";

/** A detail's schema is built when the first event is checked: most functions emit few kinds, or none. */
export function eventSchema<T extends AutopilotDetailType, S extends z.ZodObject>(detailType: T, detail: () => S) {
  return z.object({ detailType: z.literal(detailType), detail: z.lazy(detail) });
}

/**
 * An event for the home bus, checked by its schema. Throws `AutopilotError` `unexpected-error` when the detail is not
 * as declared: unknown members, such as a token, are refused.
 */
export function emitted(
  schema: z.ZodType<{ readonly detail: object }>,
  detailType: AutopilotDetailType,
  detail: unknown,
): BusEvent {
  const parsed = schema.safeParse({ detailType, detail });
  if (!parsed.success) {
    // Names of members only: a wrong value may be a secret.
    const members = parsed.error.issues.map(({ code, path }) => `${path.join(".")} (${code})`);
    throw new AutopilotError("unexpected-error", `${detailType} cannot be emitted: ${members.join(", ")}`);
  }
  const members: unknown = Object.fromEntries(
    Object.entries(parsed.data.detail).filter(([, value]) => value !== undefined),
  );
  if (!isJsonObject(members)) throw new AutopilotError("unexpected-error", `${detailType} has no detail.`);
  const { serviceArn } = members;
  return { detailType, detail: members, resources: typeof serviceArn === "string" ? [serviceArn] : [] };
}
