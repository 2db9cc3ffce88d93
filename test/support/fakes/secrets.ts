import * as z from "zod";
import { AutopilotError } from "../../../shared/base/errors.ts";
import type { DescribedSecret, SecretsCalls } from "../../../shared/ports/ports.ts";
import { secretArn } from "../arns.ts";

const CURRENT = "AWSCURRENT";
const PREVIOUS = "AWSPREVIOUS";
/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const MAX_LABELS = 20;

interface StoredVersion {
  readonly value: string;
  readonly labels: Set<string>;
}

interface StoredSecret {
  readonly name: string;
  readonly versions: Map<string, StoredVersion>;
  readonly tags: Map<string, string>;
  policy: string | undefined;
  deleted: boolean;
}

/** Secrets Manager in one account and region: versions with staging labels, each label on one version. */
export class FakeSecrets implements SecretsCalls {
  readonly secrets = new Map<string, StoredSecret>();

  /** The stored secret, also one that is scheduled for deletion. */
  get(nameOrArn: string): StoredSecret {
    const found = this.#find(nameOrArn);
    if (!found) throw refused(`${nameOrArn} does not exist.`);
    return found;
  }

  /** Every version's labels, sorted, also of versions without one. */
  labels(nameOrArn: string): Record<string, string[]> {
    return Object.fromEntries([...this.get(nameOrArn).versions].map(([id, { labels }]) => [id, [...labels].sort()]));
  }

  async describeSecret(nameOrArn: string) {
    const found = this.#find(nameOrArn);
    return found && this.#described(found);
  }

  async createSecret({ name, value, versionId, tags }: Parameters<SecretsCalls["createSecret"]>[0]) {
    checkVersionId(versionId);
    const existing = this.secrets.get(name);
    if (existing?.deleted) throw refused(`${name} is scheduled for deletion.`);
    // Like the gateway, it takes an existing secret for its own.
    if (existing) return { arn: secretArn(name), created: false };
    const versions = new Map([[versionId, { value, labels: new Set([CURRENT]) }]]);
    this.secrets.set(name, { name, versions, tags: new Map(Object.entries(tags)), policy: undefined, deleted: false });
    return { arn: secretArn(name), created: true };
  }

  async putSecretValue({ secretArn, value, versionId, labels }: Parameters<SecretsCalls["putSecretValue"]>[0]) {
    checkVersionId(versionId);
    const secret = this.#usable(secretArn);
    const existing = secret.versions.get(versionId);
    if (existing && existing.value !== value) throw new AutopilotError("secret-version-foreign", versionId);
    if (existing) return [...existing.labels];
    // AWS gives AWSCURRENT to a version that is put without labels.
    const given = labels.length > 0 ? labels : [CURRENT];
    checkRoom(secret, given);
    const version = { value, labels: new Set<string>() };
    secret.versions.set(versionId, version);
    for (const label of given) attach(secret, label, version);
    return [...version.labels];
  }

  async getResourcePolicy(secretArn: string) {
    return this.#usable(secretArn).policy;
  }

  async putResourcePolicy(secretArn: string, policy: string) {
    const secret = this.#usable(secretArn);
    checkPolicy(policy);
    secret.policy = policy;
  }

  async deleteResourcePolicy(secretArn: string) {
    this.#usable(secretArn).policy = undefined;
  }

  async scheduleDeletion(secretArn: string, _afterDays: number) {
    const found = this.#find(secretArn);
    if (found) found.deleted = true;
  }

  async restoreSecret(secretArn: string) {
    this.get(secretArn).deleted = false;
  }

  async moveLabel(secretArn: string, label: string, toVersionId: string, fromVersionId?: string) {
    const secret = this.#usable(secretArn);
    const version = versionOf(secret, toVersionId);
    const [holderId] = holderOf(secret, label) ?? [];
    if (fromVersionId === undefined && holderId !== undefined && holderId !== toVersionId) {
      throw refused(`${label} is attached to ${holderId}, which the call does not name.`);
    }
    if (fromVersionId !== undefined) checkHolder(secret, label, fromVersionId);
    checkRoom(secret, [label]);
    attach(secret, label, version);
  }

  async removeLabel(secretArn: string, label: string, fromVersionId: string) {
    const secret = this.#usable(secretArn);
    checkHolder(secret, label, fromVersionId);
    if (label === CURRENT) throw refused(`${CURRENT} can only be moved.`);
    versionOf(secret, fromVersionId).labels.delete(label);
  }

  async *listSecrets(namePrefix: string) {
    for (const secret of this.secrets.values()) {
      if (secret.name.startsWith(namePrefix) && !secret.deleted) yield this.#described(secret);
    }
  }

  #find(nameOrArn: string): StoredSecret | undefined {
    return [...this.secrets.values()].find(({ name }) => name === nameOrArn || secretArn(name) === nameOrArn);
  }

  #usable(nameOrArn: string): StoredSecret {
    const secret = this.get(nameOrArn);
    if (secret.deleted) throw refused(`${secret.name} is scheduled for deletion.`);
    return secret;
  }

  #described(secret: StoredSecret): DescribedSecret {
    return {
      arn: secretArn(secret.name),
      name: secret.name,
      // AWS leaves out versions without a label.
      versions: Object.fromEntries(Object.entries(this.labels(secret.name)).filter(([, labels]) => labels.length > 0)),
      tags: Object.fromEntries(secret.tags),
      scheduledForDeletion: secret.deleted,
    };
  }
}

function refused(detail: string): AutopilotError {
  return new AutopilotError("secret-unavailable", detail);
}

/** A version's id is the call's ClientRequestToken. */
function checkVersionId(versionId: string): void {
  if (versionId.length < 32 || versionId.length > 64) throw refused(`${versionId} has not 32 to 64 characters.`);
}

function versionOf(secret: StoredSecret, versionId: string): StoredVersion {
  const version = secret.versions.get(versionId);
  if (!version) throw refused(`${secret.name} has no version ${versionId}.`);
  return version;
}

function holderOf(secret: StoredSecret, label: string): readonly [string, StoredVersion] | undefined {
  return [...secret.versions].find(([, { labels }]) => labels.has(label));
}

function checkHolder(secret: StoredSecret, label: string, versionId: string): void {
  if (!versionOf(secret, versionId).labels.has(label)) throw refused(`${label} is not attached to ${versionId}.`);
}

function checkRoom(secret: StoredSecret, added: readonly string[]): void {
  const labels = new Set([...[...secret.versions.values()].flatMap((one) => [...one.labels]), ...added]);
  if (added.includes(CURRENT)) labels.add(PREVIOUS);
  if (labels.size > MAX_LABELS) throw refused(`${secret.name} can have no more than ${MAX_LABELS} staging labels.`);
}

/** Moves a label to a version. The version that loses AWSCURRENT gets AWSPREVIOUS. */
function attach(secret: StoredSecret, label: string, version: StoredVersion): void {
  const [, holder] = holderOf(secret, label) ?? [];
  if (holder === version) return;
  holder?.labels.delete(label);
  version.labels.add(label);
  if (label === CURRENT && holder) attach(secret, PREVIOUS, holder);
}

const oneOrMore = z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]);
const policySchema = z.object({
  Version: z.string(),
  Statement: z.array(
    z.object({ Effect: z.enum(["Allow", "Deny"]), Principal: z.object({ AWS: oneOrMore }), Action: oneOrMore }),
  ),
});
const ROLE_ARN = /^arn:aws[\w-]*:iam::\d{12}:.+/;

/** AWS refuses an invalid policy, one that lets everybody in, and one that names a deleted principal. */
function checkPolicy(text: string): void {
  const principals = principalsOf(text);
  if (!principals?.every((principal) => ROLE_ARN.test(principal))) throw refused("The resource policy is refused.");
}

function principalsOf(text: string): readonly string[] | undefined {
  try {
    return policySchema.parse(JSON.parse(text)).Statement.flatMap(({ Principal }) => Principal.AWS);
  } catch {
    return undefined; // Neither JSON nor a policy: refused either way.
  }
}
