import type * as z from "zod";
import { AwsError } from "../base/aws-error.ts";
import type { Json, JsonObject } from "../base/json.ts";

/**
 * The operation's input as its schema describes it. Members that the schema does not know are ignored, as AWS does.
 * @throws AwsError with the given name, and a message that names the members but never shows their values.
 */
export function parseInput<T>(schema: z.ZodType<T>, input: JsonObject, errorName: string): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "request"}: ${message}`);
  throw new AwsError(
    errorName,
    `${problems.length} validation error${problems.length > 1 ? "s" : ""} detected: ${problems.join("; ")}`,
  );
}

/** The object without its undefined members: a JSON answer. */
export function answer(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const given: Record<string, Json> = {};
  for (const [key, value] of Object.entries(members)) if (value !== undefined) given[key] = value;
  return given;
}

/**
 * One page of a list: `NextToken` is the index at which the next page begins, in digits alone.
 * @throws AwsError with the given name when the token is not one that was handed out.
 */
export function page<T>(
  items: readonly T[],
  request: { readonly nextToken?: string | undefined; readonly limit: number; readonly errorName: string },
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const { nextToken = "0" } = request;
  const start = Number(nextToken);
  if (!/^(0|[1-9]\d{0,9})$/.test(nextToken) || (start === 0 && request.nextToken !== undefined))
    throw new AwsError(request.errorName, "The provided token is not valid.");
  const end = start + request.limit;
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
}

/** A time as AWS's JSON protocols carry it: epoch seconds with milliseconds as the fraction. */
export function epochSeconds(epochMs: number): number {
  return epochMs / 1000;
}
