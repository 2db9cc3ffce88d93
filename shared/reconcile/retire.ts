import { labelOf, parseValueFrom, retirableVersions } from "../bootstrap-token/secret-version.ts";
import type { ServiceState } from "../ledger.ts";
import type { SecretsCalls } from "../ports.ts";
import { SECRET_NAME_PREFIX } from "../task-definition/sidecar.ts";

/**
 * Takes the labels from secret versions that no service and no pinned last good revision uses: Secrets Manager then
 * deletes them in its own time, and the 20 labels that a secret may have stay free. A version in use that has lost its
 * label gets it again. Returns how many labels were removed.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
export async function retireSecretVersions(
  secrets: Pick<SecretsCalls, "listSecrets" | "removeLabel" | "moveLabel">,
  references: Iterable<string>,
  states: AsyncIterable<ServiceState>,
): Promise<number> {
  const inUse = new Set<string>();
  const note = (valueFrom: string) => {
    const versionId = parseValueFrom(valueFrom)?.versionId;
    if (versionId) inUse.add(versionId);
  };
  for (const valueFrom of references) note(valueFrom);
  // Read now, not at the sweep's start: a roll notes its version here before it looks at the secret.
  for await (const { secretsInUse } of states) secretsInUse.forEach(note);
  let removed = 0;
  for await (const secret of secrets.listSecrets(SECRET_NAME_PREFIX)) {
    if (secret.scheduledForDeletion) continue;
    for (const { label, versionId } of retirableVersions({
      versions: secret.versions,
      inUse,
      newestAlwaysKept: undefined,
    })) {
      await secrets.removeLabel(secret.arn, label, versionId);
      removed += 1;
    }
    for (const [versionId, labels] of Object.entries(secret.versions)) {
      if (inUse.has(versionId) && labels.length === 0)
        await secrets.moveLabel(secret.arn, labelOf(versionId), versionId);
    }
  }
  return removed;
}
