import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { invalidParameter } from "./errors.ts";

/**
 * The input as the schema reads it.
 * @throws AwsError `InvalidParameterException` that names the member which is not valid.
 */
export function parseEcsInput<T>(schema: z.ZodType<T>, input: JsonObject): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidParameter(`Invalid '${issue?.path.join(".") ?? ""}': ${issue?.message ?? "not valid"}`);
}

/** The named members of an object, those that are there and not null. */
export function pick(input: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = input[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}

/** A member that is an object, or an empty one. */
export function objectMember(input: JsonObject, name: string): JsonObject {
  const value = input[name];
  return isJsonObject(value) ? value : {};
}

/** A member that is a list, or an empty one. */
export function listMember(input: JsonObject, name: string): readonly Json[] {
  const value = input[name];
  return Array.isArray(value) ? value : [];
}

/** The object without members that are `undefined`. */
export function defined(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const result: Record<string, Json> = {};
  for (const name in members) {
    const value = members[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

export const includeSchema = z.array(z.string()).optional();
