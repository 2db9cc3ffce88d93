import type { ServiceRef } from "../../base/arn.ts";
import type { JsonObject } from "../../base/json.ts";
import { findSidecar, parseValueFrom, pinnedValueFrom } from "../../data-plane/ztunnel/index.ts";
import type { DesiredSecret } from "../../enrollment/decision.ts";

// No sweep retires a secret version that the ledger lists as in use. The list ends with the latest.

/**
 * The versions in use with one that is about to be created. Until then its ARN lacks Secrets Manager's random suffix,
 * which a sweep does not compare: the version's id counts.
 */
export function withDesiredSecret(
  secretsInUse: readonly string[],
  { serviceArn, account, region }: ServiceRef,
  { secretName, versionId }: DesiredSecret,
): string[] {
  if (secretsInUse.some((used) => versionOf(used) === versionId)) return [...secretsInUse];
  const partition = serviceArn.split(":")[1] ?? "aws";
  const secretArn = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secretName}`;
  return [...secretsInUse, pinnedValueFrom(secretArn, versionId)];
}

/** The versions in use with the one that the new revision pins as the latest; as they are when it pins none. */
export function withPinnedSecret(secretsInUse: readonly string[], valueFrom: string | null): string[] {
  if (valueFrom === null) return [...secretsInUse];
  return [...secretsInUse.filter((used) => versionOf(used) !== versionOf(valueFrom)), valueFrom];
}

/** The `valueFrom` that a revision's sidecar starts from; null when it has no sidecar with a secret. */
export function secretOfRevision(raw: JsonObject): string | null {
  const sidecar = findSidecar(raw);
  return "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
}

/** The image of a revision's sidecar; null where it has none of ours. */
export function imageOfRevision(raw: JsonObject): string | null {
  const sidecar = findSidecar(raw);
  return sidecar.kind === "ours" ? (sidecar.image ?? null) : null;
}

function versionOf(valueFrom: string): string | undefined {
  return parseValueFrom(valueFrom)?.versionId;
}
