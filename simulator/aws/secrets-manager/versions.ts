import { AwsError } from "../../base/aws-error.ts";

export const CURRENT = "AWSCURRENT";
export const PREVIOUS = "AWSPREVIOUS";
/** Staging labels of a secret in all, versions of a secret, and how long an unlabeled version is safe. */
const LABEL_LIMIT = 20;
const VERSION_LIMIT = 100;
const DAY_MS = 24 * 3_600_000;

export interface SecretVersion {
  readonly versionId: string;
  readonly createdMs: number;
  readonly secretString: string | undefined;
  readonly secretBinary: string | undefined;
}

/**
 * The versions of one secret and its staging labels. A label is on one version only.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
 */
export class SecretVersions {
  readonly #versions = new Map<string, SecretVersion>();
  /** Version id by label. */
  readonly #labels = new Map<string, string>();

  list(): readonly SecretVersion[] {
    return [...this.#versions.values()];
  }

  get(versionId: string): SecretVersion | undefined {
    return this.#versions.get(versionId);
  }

  labeled(label: string): SecretVersion | undefined {
    const versionId = this.#labels.get(label);
    return versionId === undefined ? undefined : this.#versions.get(versionId);
  }

  labelsOf(versionId: string): string[] {
    return [...this.#labels].filter(([, at]) => at === versionId).map(([label]) => label);
  }

  /**
   * Adds a version and moves the labels to it. A version of the same id and value is left as it is.
   * The first version of a secret always gets AWSCURRENT.
   * @throws AwsError ResourceExistsException when the id is taken by another value, LimitExceededException
   */
  put(version: SecretVersion, labels: readonly string[]): SecretVersion {
    const existing = this.#versions.get(version.versionId);
    if (existing !== undefined) {
      if (existing.secretString === version.secretString && existing.secretBinary === version.secretBinary)
        return existing;
      throw new AwsError(
        "ResourceExistsException",
        `You can't use ClientRequestToken ${version.versionId} because that value is already in use for a version of this secret.`,
      );
    }
    const all = this.#versions.size === 0 ? [...new Set([CURRENT, ...labels])] : labels;
    this.#requireLabels(all);
    this.#makeRoom(version.createdMs);
    this.#versions.set(version.versionId, version);
    for (const label of all) this.#move(label, version.versionId);
    return version;
  }

  /**
   * Moves a label from one version to another, adds it or takes it away.
   * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
   * @throws AwsError InvalidParameterException, ResourceNotFoundException, LimitExceededException
   */
  relabel(label: string, from: string | undefined, to: string | undefined): void {
    for (const versionId of [from, to]) if (versionId !== undefined) this.#require(versionId);
    const at = this.#labels.get(label);
    if (from !== undefined && from !== at)
      throw new AwsError(
        "InvalidParameterException",
        `The parameter RemoveFromVersionId is not valid. Staging label ${label} is not attached to version ${from}.`,
      );
    if (to === undefined) {
      this.#unlabel(label, from);
      return;
    }
    if (at !== undefined && at !== to && from === undefined)
      throw new AwsError(
        "InvalidParameterException",
        `The parameter RemoveFromVersionId can't be empty. Staging label ${label} is currently attached to version ${at}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    this.#requireLabels([label]);
    this.#move(label, to);
  }

  #unlabel(label: string, from: string | undefined): void {
    if (from === undefined)
      throw new AwsError("InvalidParameterException", "Give RemoveFromVersionId, MoveToVersionId or both.");
    if (label === CURRENT)
      throw new AwsError(
        "InvalidParameterException",
        `You can't remove staging label ${CURRENT} without moving it to another version.`,
      );
    this.#labels.delete(label);
  }

  #move(label: string, versionId: string): void {
    const before = this.#labels.get(label);
    this.#labels.set(label, versionId);
    if (label === CURRENT && before !== undefined && before !== versionId) this.#labels.set(PREVIOUS, before);
  }

  #require(versionId: string): void {
    if (this.#versions.has(versionId)) return;
    throw new AwsError(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for VersionId: ${versionId}`,
    );
  }

  #requireLabels(added: readonly string[]): void {
    const labels = new Set([...this.#labels.keys(), ...added]);
    if (added.includes(CURRENT) && this.#labels.has(CURRENT)) labels.add(PREVIOUS);
    if (labels.size > LABEL_LIMIT)
      throw new AwsError(
        "LimitExceededException",
        `A secret can have no more than ${LABEL_LIMIT} staging labels in all its versions.`,
      );
  }

  #makeRoom(nowMs: number): void {
    const labeled = new Set(this.#labels.values());
    const removable = this.list()
      .filter(({ versionId, createdMs }) => !labeled.has(versionId) && nowMs - createdMs >= DAY_MS)
      .sort((a, b) => a.createdMs - b.createdMs);
    for (const { versionId } of removable) {
      if (this.#versions.size < VERSION_LIMIT) return;
      this.#versions.delete(versionId);
    }
    if (this.#versions.size >= VERSION_LIMIT)
      throw new AwsError("LimitExceededException", `A secret can have no more than ${VERSION_LIMIT} versions.`);
  }
}
