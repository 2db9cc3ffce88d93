import { asAutopilotError } from "../../base/errors.ts";
import { commonKeys } from "../../base/vocabulary.ts";
import { hasRoomForVersion, labelOf, parseValueFrom, retirableVersions } from "../../data-plane/ztunnel/index.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { DescribedSecret, SecretsCalls } from "../../ports/ports.ts";

type RetireCalls = Pick<SecretsCalls, "listSecrets" | "describeSecret" | "removeLabel" | "moveLabel">;

/**
 * Removes the labels of secret versions that no service and no last good revision uses, in the secrets whose names
 * begin so. Secrets Manager may then delete the versions, and the 20 labels that a secret may have stay free. A version
 * in use that has lost its label gets it again, unless it is gone. `states` are read after the references: a roll
 * records its version there before it reads the secret. Returns the ARNs of secrets that running services
 * pin and that somebody has deleted or scheduled for deletion: a task that starts can read neither.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
export async function retireSecretVersions(
  secrets: RetireCalls,
  references: Iterable<string>,
  states: Iterable<ServiceState>,
  {
    prefix = commonKeys.prefix,
    isHeld = () => false,
  }: {
    readonly prefix?: string;
    /** True for a secret all of whose versions may be needed. */
    readonly isHeld?: (secretArn: string) => boolean;
  } = {},
): Promise<readonly string[]> {
  const inUse = new Set<string>();
  const bySecret = new Map<string, Set<string>>();
  const note = (valueFrom: string) => {
    const { secretArn, versionId } = parseValueFrom(valueFrom) ?? {};
    if (!secretArn || !versionId) return;
    inUse.add(versionId);
    bySecret.set(secretArn, (bySecret.get(secretArn) ?? new Set()).add(versionId));
  };
  for (const valueFrom of references) note(valueFrom);
  const pinned = new Set(bySecret.keys());
  for (const state of states) for (const valueFrom of neededBy(state)) note(valueFrom);
  for await (const secret of secrets.listSecrets(prefix)) {
    if (secret.scheduledForDeletion) continue;
    pinned.delete(secret.arn);
    const { versions } = secret;
    const retirable = isHeld(secret.arn) ? [] : retirableVersions({ versions, inUse, newestAlwaysKept: undefined });
    for (const { label, versionId } of retirable) await secrets.removeLabel(secret.arn, label, versionId);
    await labelAgain(secret, bySecret.get(secret.arn) ?? [], secrets);
  }
  return gone(pinned, secrets);
}

/** What a service may start from: also the last good revision, even if several rolls since could show nothing. */
function neededBy({ secretsInUse, enrolled, lastGoodSecret, unverified }: ServiceState): readonly string[] {
  const returns = enrolled ? [lastGoodSecret, unverified?.pinnedSecret] : [];
  return [...secretsInUse, ...returns.filter((valueFrom) => valueFrom != null)];
}

/** The secrets that are gone. A secret that ListSecrets lacks may be new, since the list is minutes late. */
async function gone(secretArns: Iterable<string>, secrets: RetireCalls): Promise<readonly string[]> {
  const found: string[] = [];
  for (const secretArn of secretArns) {
    const secret = await secrets.describeSecret(secretArn);
    if (!secret || secret.scheduledForDeletion) found.push(secretArn);
  }
  return found;
}

/** AWS lists only labeled versions: a version in use that is not listed has lost its label, or is gone. */
async function labelAgain(
  { arn, versions }: DescribedSecret,
  versionsInUse: Iterable<string>,
  secrets: RetireCalls,
): Promise<void> {
  for (const versionId of versionsInUse) {
    if ((versions[versionId] ?? []).length > 0 || !hasRoomForVersion(versions)) continue;
    try {
      await secrets.moveLabel(arn, labelOf(versionId), versionId);
    } catch (error) {
      if (asAutopilotError(error).code !== "secret-unavailable") throw error;
    }
  }
}
