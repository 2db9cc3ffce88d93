import { AutopilotError } from "../../base/errors.ts";
import { sha256 } from "../../base/json.ts";
import { AUTOPILOT_TAG_PREFIX } from "../../base/vocabulary.ts";
import {
  type BootstrapToken,
  encodeToken,
  hasRoomForVersion,
  labelOf,
  mergePrincipals,
  pinnedValueFrom,
  secretName,
  secretTags,
  versionIdOf,
} from "../../data-plane/ztunnel/index.ts";
import type { DescribedSecret, SecretsCalls } from "../../ports/ports.ts";

export type EnsureSecretCalls = Pick<
  SecretsCalls,
  | "describeSecret"
  | "createSecret"
  | "putSecretValue"
  | "getResourcePolicy"
  | "putResourcePolicy"
  | "tagSecret"
  | "moveLabel"
>;

/**
 * Makes the token a labeled version of its identity's secret, and lets the execution role read it. Returns the
 * `valueFrom` that pins the version. One call where both are done: tags, which DescribeSecret returns, repeat the roles
 * that the policy names. Throws `secret-unavailable` when the secret is scheduled for deletion or has no room for
 * another version.
 */
export async function ensureSecret(
  token: BootstrapToken,
  executionRoleArn: string,
  secrets: EnsureSecretCalls,
): Promise<string> {
  const name = secretName(token);
  const versionId = versionIdOf(token);
  const described = await secrets.describeSecret(name);
  const secretArn = described
    ? await ensureVersion(described, token, versionId, secrets)
    : await create(name, token, versionId, secrets);
  await ensureReader(secretArn, described, executionRoleArn, secrets);
  return pinnedValueFrom(secretArn, versionId);
}

async function create(
  name: string,
  token: BootstrapToken,
  versionId: string,
  secrets: EnsureSecretCalls,
): Promise<string> {
  const { arn } = await secrets.createSecret({
    name,
    description: `Bootstrap tokens of ${token.namespace}/${token.serviceAccount}, written by ztunnel-autopilot`,
    value: encodeToken(token),
    versionId,
    tags: Object.fromEntries(secretTags(token).map(({ key, value }) => [key, value])),
  });
  await secrets.moveLabel(arn, labelOf(versionId), versionId);
  return arn;
}

async function ensureVersion(
  secret: DescribedSecret,
  token: BootstrapToken,
  versionId: string,
  secrets: EnsureSecretCalls,
): Promise<string> {
  if (secret.scheduledForDeletion) {
    throw new AutopilotError("secret-unavailable", `${secret.name} is scheduled for deletion.`);
  }
  const labels = secret.versions[versionId];
  if (labels?.includes(labelOf(versionId))) return secret.arn;
  if (!hasRoomForVersion(secret.versions)) {
    throw new AutopilotError("secret-unavailable", `${secret.name} has 20 staging labels.`);
  }
  if (labels && labels.length > 0) {
    await secrets.moveLabel(secret.arn, labelOf(versionId), versionId);
  } else {
    const label = labelOf(versionId);
    const put = { secretArn: secret.arn, value: encodeToken(token), versionId, labels: ["AWSCURRENT", label] };
    // A version without labels is not described, and putting it again attaches none.
    const attached = await secrets.putSecretValue(put);
    if (!attached.includes(label)) await secrets.moveLabel(secret.arn, label, versionId);
  }
  return secret.arn;
}

/**
 * The key of the tag that marks a role as one of the secret's readers. A hash, since a role's ARN is too long for a key
 * and has characters that keys must not have.
 */
export function readerTagKey(roleArn: string): string {
  return `${AUTOPILOT_TAG_PREFIX}reader/${sha256(roleArn).slice(0, 16)}`;
}

async function ensureReader(
  secretArn: string,
  described: DescribedSecret | undefined,
  executionRoleArn: string,
  secrets: EnsureSecretCalls,
): Promise<void> {
  const key = readerTagKey(executionRoleArn);
  if (described?.tags[key] !== undefined) return;
  // Read a new secret's policy, too: another roll of the same identity may have been faster.
  const present = await secrets.getResourcePolicy(secretArn);
  const { policy, changed } = mergePrincipals(present, executionRoleArn);
  if (changed) await secrets.putResourcePolicy(secretArn, policy);
  // AWS allows 50 tags. Beyond that the policy itself is read each time.
  if (Object.keys(described?.tags ?? {}).length < 45) {
    await secrets.tagSecret(secretArn, { [key]: executionRoleArn.split("/").at(-1)?.slice(0, 256) ?? "" });
  }
}
