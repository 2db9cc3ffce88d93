import type { JsonObject } from "../../base/json.ts";
import { answer, epochSeconds } from "../input.ts";
import type { Secret } from "./store.ts";

/** A secret as DescribeSecret returns it. */
export function describeSecret(secret: Secret): JsonObject {
  const labels: Record<string, string[]> = {};
  for (const { versionId } of secret.versions.list()) {
    const own = secret.versions.labelsOf(versionId);
    if (own.length > 0) labels[versionId] = own;
  }
  return answer({
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    CreatedDate: epochSeconds(secret.createdMs),
    LastChangedDate: epochSeconds(secret.changedMs),
    DeletedDate: secret.deletionMs === undefined ? undefined : epochSeconds(secret.deletionMs),
    Tags: [...secret.tags].map(([Key, Value]) => ({ Key, Value })),
    VersionIdsToStages: labels,
  });
}
