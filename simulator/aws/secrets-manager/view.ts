import { AwsError } from "../../base/aws-error.ts";
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

/**
 * Whether a filter's text fits a secret.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
 * @throws AwsError `InvalidParameterException` for a filter that is not known
 */
export function fits(secret: Secret, key: string, text: string): boolean {
  if (key === "name") return secret.name.startsWith(text);
  if (key === "description") return (secret.description ?? "").startsWith(text);
  if (key === "tag-key") return [...secret.tags.keys()].some((tag) => tag.startsWith(text));
  if (key === "tag-value") return [...secret.tags.values()].some((tag) => tag.startsWith(text));
  throw new AwsError("InvalidParameterException", `The simulator does not know the filter ${key}.`);
}
