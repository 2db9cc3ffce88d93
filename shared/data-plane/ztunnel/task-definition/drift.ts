import type { JsonObject } from "../../../base/json.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { reconcileSidecar } from "./reconcile-sidecar.ts";
import { findSidecar, type SidecarSpec } from "./sidecar.ts";

/**
 * What `inject` would change in the task definition, by name; empty exactly when it would change nothing. Only
 * `sidecar-missing` when there is no sidecar; nothing for a foreign container called ztunnel, which is never touched.
 * Depends only on the content, never on who registered the revision.
 */
export function driftOf(definition: JsonObject, spec: SidecarSpec): readonly DriftReason[] {
  const { kind } = findSidecar(definition);
  if (kind === "foreign") return [];
  return kind === "none" ? ["sidecar-missing"] : reconcileSidecar(definition, spec).reasons;
}
