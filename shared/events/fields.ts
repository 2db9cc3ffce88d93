import * as z from "zod";
import { type FailureCode, failures } from "../base/errors.ts";

const MAX_TEXT = 1000;
/**
 * Text that others wrote (tags, error messages), cut to 1,000 characters: an event must stay below EventBridge's size.
 */
export const text = z
  .string()
  .overwrite((value) => (value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value));

/** A member of a closed set, given as the keys of an object. */
function keyOf<K extends string>(set: Readonly<Record<K, unknown>>) {
  return z.custom<K>((value) => typeof value === "string" && Object.hasOwn(set, value), "a reason of the closed set");
}

/** A failure code; any other text is `unexpected-error`. */
export const failureCode = keyOf<FailureCode>(failures).catch("unexpected-error");

/** The version of an event's detail. */
export const version = z.literal(1).default(1);

/** A number of things. */
export const count = z.int().nonnegative();
