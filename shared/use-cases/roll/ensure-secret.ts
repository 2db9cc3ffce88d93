import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import { commonKeys } from "../../base/vocabulary.ts";
import {
  type BootstrapToken,
  encodeToken,
  hasRoomForVersion,
  labelOf,
  pinnedValueFrom,
  secretName,
  secretTags,
  versionIdOf,
} from "../../data-plane/ztunnel/index.ts";
import { newClaim, secretSubject, withProven } from "../../model/claim.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { DescribedSecret, SecretsCalls } from "../../ports/ports.ts";
import type { ReaderCalls } from "../observe/write-readers.ts";
import { claimReader, ensureReaders, type SecretReader } from "./ensure-readers.ts";

export interface EnsureSecretCalls {
  readonly secrets: Pick<
    SecretsCalls,
    "describeSecret" | "createSecret" | "putSecretValue" | "moveLabel" | "restoreSecret"
  > &
    ReaderCalls["secrets"];
  readonly ledger: Pick<Ledger, "changeClaim">;
}

/**
 * Makes the token a labeled version of its identity's secret, and lets the service's execution role read it. Returns
 * the `valueFrom` that pins the version. A secret that is scheduled for deletion is restored. A version that the ledger
 * does not know is proven first: its name follows from public facts, so that somebody else may have written it. Throws
 * `secret-version-foreign` when somebody has, `secret-unavailable` when the secret has no room for another version, and
 * `reader-refused` for an execution role that is not one of the service's account.
 */
export async function ensureSecret(
  token: BootstrapToken,
  { ref, executionRoleArn, prefix = commonKeys.prefix }: SecretUser,
  { secrets, ledger }: EnsureSecretCalls,
): Promise<string> {
  const subject = secretSubject(ref, secretName(token, prefix));
  const reader: SecretReader = { subject, serviceArn: ref.serviceArn, account: ref.account, executionRoleArn };
  // In the ledger before it is in the policy: a roll that writes the policy meanwhile writes this reader, too.
  const { proven } = await claimReader(reader, ledger);
  const secretArn = await ensureVersion(token, { subject, proven, prefix }, { secrets, ledger });
  await ensureReaders(secretArn, reader, { secrets, ledger });
  return pinnedValueFrom(secretArn, versionIdOf(token));
}

/** Who shall read the token. */
interface SecretUser {
  readonly ref: ServiceRef;
  readonly executionRoleArn: string;
  /** What the stage's secrets begin with. */
  readonly prefix?: string;
}

interface Known {
  readonly prefix: string;
  readonly subject: string;
  readonly proven: readonly string[];
}

/** The ARN of the secret that has the version, with its label. */
async function ensureVersion(token: BootstrapToken, known: Known, calls: EnsureSecretCalls): Promise<string> {
  const name = secretName(token, known.prefix);
  const versionId = versionIdOf(token);
  const found = await calls.secrets.describeSecret(name);
  if (found) return inSecret(found, token, known, calls);
  const { arn, created } = await calls.secrets.createSecret({
    name,
    description: `Bootstrap tokens of ${token.namespace}/${token.serviceAccount}, written by ztunnel-autopilot`,
    value: encodeToken(token),
    versionId,
    tags: Object.fromEntries(secretTags(token, known.prefix).map(({ key, value }) => [key, value])),
  });
  if (!created) {
    const existing = await calls.secrets.describeSecret(arn);
    if (!existing) throw new AutopilotError("secret-unavailable", `${name} was deleted just now.`);
    return inSecret(existing, token, known, calls);
  }
  await calls.secrets.moveLabel(arn, labelOf(versionId), versionId);
  await noteProven(pinnedValueFrom(arn, versionId), known, calls);
  return arn;
}

async function inSecret(
  secret: DescribedSecret,
  token: BootstrapToken,
  known: Known,
  calls: EnsureSecretCalls,
): Promise<string> {
  const { secrets } = calls;
  const versionId = versionIdOf(token);
  const label = labelOf(versionId);
  const valueFrom = pinnedValueFrom(secret.arn, versionId);
  const isProven = known.proven.includes(valueFrom);
  if (secret.scheduledForDeletion) await secrets.restoreSecret(secret.arn);
  // AWS describes no version without labels.
  const labels = secret.versions[versionId] ?? [];
  if (isProven && labels.includes(label)) return secret.arn;
  if (!labels.includes(label) && !hasRoomForVersion(secret.versions)) {
    throw new AutopilotError("secret-unavailable", `${secret.name} has 20 staging labels.`);
  }
  const attached = isProven && labels.length > 0 ? labels : await put(secret.arn, token, calls);
  // A version that exists gets no label by being put again.
  if (!attached.includes(label)) await secrets.moveLabel(secret.arn, label, versionId);
  if (!isProven) await noteProven(valueFrom, known, calls);
  return secret.arn;
}

/** Writes the version, or proves that it holds this very token. Returns its labels. */
function put(secretArn: string, token: BootstrapToken, { secrets }: EnsureSecretCalls): Promise<readonly string[]> {
  const versionId = versionIdOf(token);
  const labels = ["AWSCURRENT", labelOf(versionId)];
  return secrets.putSecretValue({ secretArn, value: encodeToken(token), versionId, labels });
}

async function noteProven(valueFrom: string, { subject }: Known, { ledger }: EnsureSecretCalls): Promise<void> {
  await ledger.changeClaim(subject, (claim) => ({ next: withProven(claim ?? newClaim(subject), valueFrom) }));
}
