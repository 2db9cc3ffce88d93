import { isJsonObject, type Json } from "../../base/json.ts";
import type { Peaks } from "./peaks.ts";
import { StatesError } from "./states-error.ts";

/**
 * "Maximum input or output size for a task, state, or execution": 256 KiB of UTF-8 (Step Functions, service quotas).
 */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

/**
 * A copy of a value as it would be after a trip through JSON text: nothing is shared with the original.
 * @throws TypeError for what JSON cannot say at all: a function, a symbol, a number that is not finite.
 */
export function copyJson(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new TypeError(`${value} is not a JSON number`);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => (item === undefined ? null : copyJson(item)));
  if (typeof value !== "object") throw new TypeError(`a ${typeof value} is not a JSON value`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return copyJson(JSON.parse(JSON.stringify(value)));
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const inner: unknown = Reflect.get(value, key);
    if (inner !== undefined) setMember(copy, key, copyJson(inner));
  }
  return copy;
}

/** An assignment would take a member called `__proto__` for the object's prototype. */
function setMember(object: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  else object[key] = value;
}

/**
 * Returns the value itself, and lets `peaks` measure it.
 * @throws StatesError `States.DataLimitExceeded` if its JSON text has more than 256 KiB.
 */
export function withinPayloadLimit<T extends Json>(value: T, what: string, peaks?: Peaks): T {
  peaks?.notePayload(value);
  // A cheap upper bound decides nearly always; only what comes near the limit is serialized.
  if (remainingBytes(value, MAX_PAYLOAD_BYTES) >= 0) return value;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw new StatesError("States.DataLimitExceeded", `${what} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}.`);
  }
  return value;
}

/** What is left of a budget after a value, counted at the most bytes that it can take; stops when it is used up. */
function remainingBytes(value: Json, budget: number): number {
  if (budget < 0) return budget;
  // A UTF-16 unit takes at most 6 bytes, as an escape.
  if (typeof value === "string") return budget - 6 * value.length - 3;
  if (typeof value !== "object" || value === null) return budget - 26;
  let left = budget - 3;
  if (!isJsonObject(value)) {
    for (const inner of value) left = remainingBytes(inner, left - 1);
    return left;
  }
  for (const key of Object.keys(value)) {
    left = remainingBytes(value[key] ?? null, left - 6 * key.length - 4);
    if (left < 0) break;
  }
  return left;
}
