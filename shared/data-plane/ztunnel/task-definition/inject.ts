import type { JsonObject } from "../../../base/json.ts";
import { isSet } from "../../../base/json-fields.ts";
import { counted } from "../../../base/plural.ts";
import type { RefusalReason } from "../../../model/reasons.ts";
import { containersOf } from "../../../model/task-definition.ts";
import { findCycle, startDependencies } from "./dependencies.ts";
import { definitionBytes, MAX_CONTAINERS, MAX_DEFINITION_BYTES } from "./quotas.ts";
import { reconcileSidecar } from "./reconcile-sidecar.ts";
import { findSidecar, type SidecarSpec } from "./sidecar.ts";

export type Injection =
  | { readonly ok: true; readonly definition: JsonObject }
  | { readonly ok: false; readonly refusal: RefusalReason; readonly detail: string };

const refuse = (refusal: RefusalReason, detail: string): Injection => ({ ok: false, refusal, detail });

/** Why the definition can't get the sidecar, judged by the definition alone. `undefined` when it can. */
function obstacle(definition: JsonObject): Injection | undefined {
  const sidecar = findSidecar(definition);
  if (sidecar.kind === "foreign") return refuse("foreign-ztunnel", sidecar.why);
  if (!isSet(definition, "executionRoleArn")) return refuse("no-execution-role", "executionRoleArn is not set");
  const count = containersOf(definition).length;
  if (sidecar.kind === "none" && count >= MAX_CONTAINERS)
    return refuse("too-many-containers", counted(count, "container"));
  const cycle = findCycle(startDependencies(definition));
  return cycle === undefined ? undefined : refuse("dependency-cycle", cycle.join(" → "));
}

/**
 * The task definition (in registerable form) with the sidecar as the spec says, or the refusal with its detail. A
 * sidecar that is there already, ours or made by hand, is brought up to the spec. Everything else keeps its bytes and
 * its place; applied twice it changes nothing more, and `remove` undoes it.
 */
export function inject(definition: JsonObject, spec: SidecarSpec): Injection {
  const refusal = obstacle(definition);
  if (refusal !== undefined) return refusal;
  const injected = reconcileSidecar(definition, spec).definition;
  const bytes = definitionBytes(injected);
  if (bytes > MAX_DEFINITION_BYTES) return refuse("definition-too-large", `${bytes} bytes with the sidecar`);
  return { ok: true, definition: injected };
}

/** How a release of the autopilot builds the sidecar. */
export type Inject = typeof inject;
