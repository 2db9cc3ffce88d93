import { AwsError } from "../../base/aws-error.ts";
import type { Random } from "../../base/random.ts";
import { randomBase62, randomUuid } from "../../base/random-id.ts";
import type { Clock } from "../../clock/clock.ts";
import type { ResourcePolicy } from "./resource-policy.ts";
import { SecretVersions } from "./versions.ts";

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
  /** By place, then by name: a name is there once, even while its secret is scheduled for deletion. */
  readonly #secrets = new Map<string, Map<string, Secret>>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  list(place?: Place): readonly Secret[] {
    const shelves = place === undefined ? [...this.#secrets.values()] : [this.#at(place)];
    return shelves.flatMap((shelf) => [...shelf.values()]).filter((secret) => !this.#goneBy(secret));
  }

  /** The secret of that name in the account and region; undefined when there is none. */
  named(place: Place, name: string): Secret | undefined {
    const secret = this.#at(place).get(name);
    return secret !== undefined && this.#goneBy(secret) ? undefined : secret;
  }

  /** @throws AwsError ResourceExistsException, InvalidRequestException while the name is scheduled for deletion */
  create(place: Place, name: string): Secret {
    const existing = this.named(place, name);
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
    this.#at(place).set(name, secret);
    return secret;
  }

  delete(secret: Secret): void {
    this.#at(secret).delete(secret.name);
  }

  /** The secret by its name or ARN, in its ARN's place; undefined when there is none. Unlike `find`, of any account. */
  lookUp(place: Place, secretId: string): Secret | undefined {
    const [, region, account] = ARN.exec(secretId) ?? [];
    const at = region === undefined || account === undefined ? place : { account, region };
    try {
      return this.find(at, secretId);
    } catch (error) {
      if (error instanceof AwsError) return undefined;
      throw error;
    }
  }

  /**
   * The secret by its name, its ARN, or its ARN without the suffix.
   * @throws AwsError ResourceNotFoundException, AccessDeniedException for another account's ARN
   */
  find(place: Place, secretId: string): Secret {
    const [, region, account, resource = ""] = ARN.exec(secretId) ?? [];
    if (account !== undefined && account !== place.account)
      throw new AwsError(
        "AccessDeniedException",
        `Account ${place.account} is not authorized to use ${secretId}: no access across accounts.`,
      );
    const found =
      region === undefined
        ? this.named(place, secretId)
        : region === place.region
          ? (this.#byArn(place, secretId, partial(resource)) ?? this.#byArn(place, secretId, resource))
          : undefined;
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

  #at({ account, region }: Place): Map<string, Secret> {
    const key = `${account}/${region}`;
    const shelf = this.#secrets.get(key) ?? new Map<string, Secret>();
    this.#secrets.set(key, shelf);
    return shelf;
  }

  /** The secret of that name, if its ARN is the given one, with or without the suffix. */
  #byArn(place: Place, arn: string, name: string): Secret | undefined {
    const secret = this.named(place, name);
    return secret !== undefined && (arn === secret.arn || arn === partial(secret.arn)) ? secret : undefined;
  }

  /** True, and the secret is dropped, once its recovery window is over. */
  #goneBy(secret: Secret): boolean {
    const gone = secret.deletionMs !== undefined && secret.deletionMs <= this.#clock.now();
    if (gone) this.delete(secret);
    return gone;
  }
}

/** Without the hyphen and the six characters at the end. */
function partial(text: string): string {
  return text.slice(0, -7);
}
