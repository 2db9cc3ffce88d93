import { AwsError } from "../aws-error.ts";
import type { Clock } from "../clock/clock.ts";
import { randomBase62, randomUuid } from "../http/random-id.ts";
import type { ResourcePolicy } from "./secrets-manager-policy.ts";
import { SecretVersions } from "./secrets-manager-versions.ts";
import type { Random } from "./service.ts";

export interface Secret {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly createdMs: number;
  readonly versions: SecretVersions;
  readonly tags: Map<string, string>;
  changedMs: number;
  description: string | undefined;
  kmsKeyId: string | undefined;
  /** The policy as it was put, with what it says. */
  policy: { readonly text: string; readonly document: ResourcePolicy } | undefined;
  /** When the secret goes for good; undefined while it is not scheduled for deletion. */
  deletionMs: number | undefined;
}

/** An account and a region. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

const ARN = /^arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:(.+)$/;

/** All secrets of all accounts and regions. */
export class SecretStore {
  readonly #secrets = new Map<string, Secret>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  list(place?: Place): readonly Secret[] {
    this.#purge();
    const all = [...this.#secrets.values()];
    return place === undefined ? all : all.filter((secret) => isIn(secret, place));
  }

  /** @throws AwsError ResourceExistsException, InvalidRequestException while the name is scheduled for deletion */
  create(place: Place, name: string): Secret {
    const existing = this.list(place).find((secret) => secret.name === name);
    if (existing?.deletionMs !== undefined)
      throw new AwsError(
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    if (existing !== undefined)
      throw new AwsError("ResourceExistsException", `The operation failed because the secret ${name} already exists.`);
    const now = this.#clock.now();
    const secret: Secret = {
      name,
      arn: `arn:aws:secretsmanager:${place.region}:${place.account}:secret:${name}-${randomBase62(this.#random, 6)}`,
      account: place.account,
      region: place.region,
      createdMs: now,
      changedMs: now,
      versions: new SecretVersions(),
      tags: new Map(),
      description: undefined,
      kmsKeyId: undefined,
      policy: undefined,
      deletionMs: undefined,
    };
    this.#secrets.set(secret.arn, secret);
    return secret;
  }

  delete(secret: Secret): void {
    this.#secrets.delete(secret.arn);
  }

  /**
   * The secret by its name, its ARN, or its ARN without the suffix.
   * @throws AwsError ResourceNotFoundException, AccessDeniedException for another account's ARN
   */
  find(place: Place, secretId: string): Secret {
    const [, region, account] = ARN.exec(secretId) ?? [];
    if (account !== undefined && account !== place.account)
      throw new AwsError(
        "AccessDeniedException",
        `Account ${place.account} is not authorized to use ${secretId}: the lab grants no access across accounts.`,
      );
    const found =
      region !== undefined && region !== place.region
        ? undefined
        : this.list(place).find(({ name, arn }) => secretId === name || secretId === arn || secretId === partial(arn));
    if (found === undefined)
      throw new AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    return found;
  }

  /** Like `find`. @throws AwsError InvalidRequestException too, while the secret is scheduled for deletion */
  findUsable(place: Place, secretId: string): Secret {
    const secret = this.find(place, secretId);
    if (secret.deletionMs !== undefined)
      throw new AwsError(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    return secret;
  }

  /** A version id such as Secrets Manager makes where the caller gives no request token. */
  newVersionId(): string {
    return randomUuid(this.#random);
  }

  #purge(): void {
    for (const secret of this.#secrets.values())
      if (secret.deletionMs !== undefined && secret.deletionMs <= this.#clock.now()) this.delete(secret);
  }
}

function isIn(secret: Secret, place: Place): boolean {
  return secret.account === place.account && secret.region === place.region;
}

function partial(arn: string): string {
  return arn.slice(0, -7);
}
