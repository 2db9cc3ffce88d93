import type { JsonObject } from "../base/json.ts";
import type { Need } from "../core/authorization.ts";
import type { CallContext, NeedsOf } from "../core/service.ts";

/** An operation that needs its action on `*`: it has no resource. */
export function onAnything(action: string): NeedsOf {
  const needs: readonly Need[] = [{ action, resource: "*" }];
  return () => needs;
}

/** An operation that needs its action on the one resource that the input names. */
export function onResource(action: string, arnOf: (input: JsonObject, context: CallContext) => string): NeedsOf {
  return (input, context) => [{ action, resource: arnOf(input, context) }];
}

/** A member that is text; empty for any other, which the operation refuses. */
export function textMember(input: JsonObject, name: string): string {
  const value = input[name];
  return typeof value === "string" ? value : "";
}
