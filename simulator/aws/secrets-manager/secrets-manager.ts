import { AwsError } from "../../base/aws-error.ts";
import type { Faults } from "../../base/faults.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { Clock } from "../../clock/clock.ts";
import type { Authorizer } from "../../core/authorization.ts";
import { Port, type SecretRead, type SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, NeedsTable, Operation } from "../../core/service.ts";
import type { Rate } from "../../http/throttle.ts";
import { Iam, sessionArnOf } from "../iam/iam.ts";
import { answer, epochSeconds, page, parseInput } from "../input.ts";
import { fits, requireFilterKeys } from "./filters.ts";
import { secretsNeeds } from "./needs.ts";
import { secretsManagerRates } from "./rates.ts";
import { judgeValueFrom, type ReadRequest } from "./read.ts";
import { parseResourcePolicy } from "./resource-policy.ts";
import { schemas } from "./schema.ts";
import { type Secret, SecretStore } from "./store.ts";
import { CURRENT, type SecretVersion } from "./versions.ts";
import { describeSecret } from "./view.ts";

const ERROR = "InvalidParameterException";
const READ = "secretsmanager:GetSecretValue";
const TASK_SESSION = "ecs-task";
const DEFAULT_RECOVERY_DAYS = 30;
const DAY_MS = 24 * 3_600_000;
const TAG_LIMIT = 50;

/** Secrets Manager: secrets, their versions, labels and resource policies. ECS reads secrets by its port. */
export class SecretsManager implements AwsService {
  readonly name = "secretsmanager";
  readonly protocol = { kind: "awsJson1_1", target: "secretsmanager" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs: NeedsTable;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #store: SecretStore;
  readonly #authorizer: () => Authorizer;

  constructor(context: SimulatorContext) {
    const { clock, faults, random, authorizer } = context;
    this.#clock = clock;
    this.#faults = faults;
    this.#store = new SecretStore(clock, random);
    this.needs = secretsNeeds(this.#store);
    // Without IAM there are no roles: all depends on the secrets' own policies.
    const noRoles = new Iam({ clock, authorizer: new Port("permissions") });
    this.#authorizer = () => authorizer.find() ?? noRoles;
    context.secretReader.provide(this);
    this.operations = {
      CreateSecret: (input, context) => this.#create(input, context),
      PutSecretValue: (input, context) => this.#putValue(input, context),
      UpdateSecret: (input, context) => this.#update(input, context),
      GetSecretValue: (input, context) => this.#getValue(input, context),
      DescribeSecret: (input, context) =>
        describeSecret(this.#store.find(context, parseInput(schemas.secret, input, ERROR).SecretId)),
      ListSecrets: (input, context) => this.#list(input, context),
      ListSecretVersionIds: (input, context) => this.#listVersionIds(input, context),
      UpdateSecretVersionStage: (input, context) => this.#updateVersionStage(input, context),
      DeleteSecret: (input, context) => this.#delete(input, context),
      RestoreSecret: (input, context) => this.#restore(input, context),
      PutResourcePolicy: (input, context) => this.#putResourcePolicy(input, context),
      GetResourcePolicy: (input, context) => this.#getResourcePolicy(input, context),
      DeleteResourcePolicy: (input, context) => this.#deleteResourcePolicy(input, context),
      TagResource: (input, context) => this.#tag(input, context),
      UntagResource: (input, context) => this.#untag(input, context),
    };
  }

  rateOf(operation: string): Rate | undefined {
    return secretsManagerRates[operation];
  }

  /**
   * Whether ECS, with a task's execution role, can read what a container's `valueFrom` names; if not, the name and
   * message of the error, which ECS puts into the stopped task's reason. Strikes the faults `secret-denied`,
   * `secrets-unreachable` and `kms-denied`.
   */
  canRead(request: ReadRequest): SecretRead {
    const { account, region, serviceArn: service } = request;
    const subject = { account, region, ...(service === undefined ? {} : { service }) };
    const strikes = (kind: "secret-denied" | "secrets-unreachable" | "kms-denied") =>
      this.#faults.strike(kind, subject) !== undefined;
    const unreachable = strikes("secrets-unreachable");
    const denied = !unreachable && strikes("secret-denied");
    const kmsDenied = !unreachable && !denied && strikes("kms-denied");
    return judgeValueFrom(this.#store, request, {
      trouble: { unreachable, kmsDenied },
      refusal: (secret, roleArn) => (denied ? notAllowed(secret, roleArn) : this.#refusal(secret, roleArn)),
    });
  }

  /** ECS reads with the task's execution role. */
  #refusal(secret: Secret, roleArn: string): string | undefined {
    const need = {
      action: READ,
      resource: secret.arn,
      tags: () => secret.tags,
      resourcePolicy: secret.policy?.text,
    };
    return this.#authorizer().refusalOfSession(roleArn, TASK_SESSION, need, secret);
  }

  /** All secrets without their values, for people and tests. */
  state(): readonly JsonObject[] {
    return this.#store.list().map((secret) => ({
      ...describeSecret(secret),
      Account: secret.account,
      Region: secret.region,
      ResourcePolicy: secret.policy?.text ?? null,
    }));
  }

  #create(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.createSecret, input, ERROR);
    requireOneValue(request);
    const retried = this.#retriedCreation(request, context);
    if (retried !== undefined) return retried;
    const secret = this.#store.create(context, request.Name);
    secret.description = request.Description;
    secret.kmsKeyId = request.KmsKeyId;
    for (const { Key, Value } of request.Tags) secret.tags.set(Key, Value);
    const version = hasValue(request) ? this.#addVersion(secret, request, [CURRENT]) : undefined;
    return answer({ ARN: secret.arn, Name: secret.name, VersionId: version?.versionId });
  }

  /** A creation with the request token and the value of a version that exists is answered as it was at first. */
  #retriedCreation(request: ValueInput & { readonly Name: string }, context: CallContext): Json | undefined {
    const existing = this.#store.named(context, request.Name);
    if (existing === undefined || existing.deletionMs !== undefined || request.ClientRequestToken === undefined) return;
    const version = existing.versions.get(request.ClientRequestToken);
    if (version?.secretString !== request.SecretString || version?.secretBinary !== request.SecretBinary) return;
    return version && { ARN: existing.arn, Name: existing.name, VersionId: version.versionId };
  }

  #putValue(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.putSecretValue, input, ERROR);
    requireOneValue(request);
    if (!hasValue(request)) throw new AwsError(ERROR, "You must provide either SecretString or SecretBinary.");
    const secret = this.#store.findUsable(context, request.SecretId);
    const { versionId } = this.#addVersion(secret, request, request.VersionStages ?? [CURRENT]);
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: versionId,
      VersionStages: secret.versions.labelsOf(versionId),
    };
  }

  #update(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.updateSecret, input, ERROR);
    requireOneValue(request);
    const secret = this.#store.findUsable(context, request.SecretId);
    secret.description = request.Description ?? secret.description;
    secret.kmsKeyId = request.KmsKeyId ?? secret.kmsKeyId;
    secret.changedMs = this.#clock.now();
    const version = hasValue(request) ? this.#addVersion(secret, request, [CURRENT]) : undefined;
    return answer({ ARN: secret.arn, Name: secret.name, VersionId: version?.versionId });
  }

  #getValue(input: JsonObject, context: CallContext): Json {
    const { SecretId, VersionId, VersionStage } = parseInput(schemas.getSecretValue, input, ERROR);
    const secret = this.#store.findUsable(context, SecretId);
    const label = VersionStage ?? CURRENT;
    const version = VersionId === undefined ? secret.versions.labeled(label) : secret.versions.get(VersionId);
    if (version === undefined)
      throw new AwsError(
        "ResourceNotFoundException",
        `Secrets Manager can't find the specified secret value for ${VersionId === undefined ? `staging label: ${label}` : `VersionId: ${VersionId}`}`,
      );
    const labels = secret.versions.labelsOf(version.versionId);
    if (VersionId !== undefined && VersionStage !== undefined && !labels.includes(VersionStage))
      throw new AwsError(
        "InvalidRequestException",
        `You provided a VersionStage that is not associated to the provided VersionId.`,
      );
    return answer({
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.versionId,
      VersionStages: labels,
      SecretString: version.secretString,
      SecretBinary: version.secretBinary,
      CreatedDate: epochSeconds(version.createdMs),
    });
  }

  #list(input: JsonObject, context: CallContext): Json {
    requireFilterKeys(input);
    const request = parseInput(schemas.listSecrets, input, ERROR);
    const chosen = this.#store
      .list(context)
      .filter(({ deletionMs }) => request.IncludePlannedDeletion || deletionMs === undefined)
      .filter((secret) => request.Filters.every((filter) => fits(secret, filter)));
    const { items, nextToken } = page(chosen, {
      nextToken: request.NextToken,
      limit: request.MaxResults,
      errorName: "InvalidNextTokenException",
    });
    const list = items.map((secret) => {
      const { VersionIdsToStages, ...entry } = describeSecret(secret);
      return answer({ ...entry, SecretVersionsToStages: VersionIdsToStages });
    });
    return answer({ SecretList: list, NextToken: nextToken });
  }

  #listVersionIds(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.listSecretVersionIds, input, ERROR);
    const secret = this.#store.find(context, request.SecretId);
    const versions = secret.versions
      .list()
      .map(({ versionId, createdMs }) => {
        const labels = secret.versions.labelsOf(versionId);
        return answer({
          VersionId: versionId,
          CreatedDate: epochSeconds(createdMs),
          VersionStages: labels.length > 0 ? labels : undefined,
        });
      })
      .filter(({ VersionStages }) => request.IncludeDeprecated || VersionStages !== undefined);
    const { items, nextToken } = page(versions, {
      nextToken: request.NextToken,
      limit: request.MaxResults,
      errorName: "InvalidNextTokenException",
    });
    return answer({ ARN: secret.arn, Name: secret.name, Versions: items, NextToken: nextToken });
  }

  #updateVersionStage(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.updateSecretVersionStage, input, ERROR);
    const secret = this.#store.findUsable(context, request.SecretId);
    secret.versions.relabel(request.VersionStage, request.RemoveFromVersionId, request.MoveToVersionId);
    secret.changedMs = this.#clock.now();
    return { ARN: secret.arn, Name: secret.name };
  }

  #delete(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.deleteSecret, input, ERROR);
    const secret = this.#store.find(context, request.SecretId);
    const now = this.#clock.now();
    if (request.ForceDeleteWithoutRecovery) {
      this.#store.delete(secret);
      return { ARN: secret.arn, Name: secret.name, DeletionDate: epochSeconds(now) };
    }
    // InvalidRequestException by the API reference. By force a secret goes at once, also while it is scheduled.
    if (secret.deletionMs !== undefined)
      throw new AwsError(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was already scheduled for deletion.",
      );
    secret.deletionMs = now + (request.RecoveryWindowInDays ?? DEFAULT_RECOVERY_DAYS) * DAY_MS;
    return { ARN: secret.arn, Name: secret.name, DeletionDate: epochSeconds(secret.deletionMs) };
  }

  #restore(input: JsonObject, context: CallContext): Json {
    const secret = this.#store.find(context, parseInput(schemas.secret, input, ERROR).SecretId);
    secret.deletionMs = undefined;
    return { ARN: secret.arn, Name: secret.name };
  }

  #putResourcePolicy(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.putResourcePolicy, input, ERROR);
    const secret = this.#store.findUsable(context, request.SecretId);
    const document = parseResourcePolicy(request.ResourcePolicy, request.BlockPublicPolicy);
    secret.policy = { text: request.ResourcePolicy, document };
    secret.changedMs = this.#clock.now();
    return { ARN: secret.arn, Name: secret.name };
  }

  #getResourcePolicy(input: JsonObject, context: CallContext): Json {
    const secret = this.#store.findUsable(context, parseInput(schemas.secret, input, ERROR).SecretId);
    return answer({ ARN: secret.arn, Name: secret.name, ResourcePolicy: secret.policy?.text });
  }

  #deleteResourcePolicy(input: JsonObject, context: CallContext): Json {
    const secret = this.#store.findUsable(context, parseInput(schemas.secret, input, ERROR).SecretId);
    secret.policy = undefined;
    secret.changedMs = this.#clock.now();
    return { ARN: secret.arn, Name: secret.name };
  }

  #tag(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.tagResource, input, ERROR);
    const secret = this.#store.findUsable(context, request.SecretId);
    if (new Set([...secret.tags.keys(), ...request.Tags.map(({ Key }) => Key)]).size > TAG_LIMIT)
      throw new AwsError(ERROR, `A secret can have no more than ${TAG_LIMIT} tags.`);
    for (const { Key, Value } of request.Tags) secret.tags.set(Key, Value);
    return {};
  }

  #untag(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.untagResource, input, ERROR);
    const secret = this.#store.findUsable(context, request.SecretId);
    for (const key of request.TagKeys) secret.tags.delete(key);
    return {};
  }

  #addVersion(secret: Secret, value: ValueInput, labels: readonly string[]): SecretVersion {
    const createdMs = this.#clock.now();
    const version = {
      versionId: value.ClientRequestToken ?? this.#store.newVersionId(),
      createdMs,
      secretString: value.SecretString,
      secretBinary: value.SecretBinary,
    };
    const stored = secret.versions.put(version, labels);
    if (stored === version) secret.changedMs = createdMs;
    return stored;
  }
}

function notAllowed({ arn }: Secret, roleArn: string): string {
  const session = sessionArnOf(roleArn, TASK_SESSION);
  return `User: ${session} is not authorized to perform: ${READ} on resource: ${arn} because no identity-based policy allows the ${READ} action`;
}

interface ValueInput {
  readonly ClientRequestToken?: string | undefined;
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}

function hasValue({ SecretString, SecretBinary }: ValueInput): boolean {
  return SecretString !== undefined || SecretBinary !== undefined;
}

function requireOneValue({ SecretString, SecretBinary }: ValueInput): void {
  if (SecretString !== undefined && SecretBinary !== undefined)
    throw new AwsError(ERROR, "You can't specify both a binary secret value and a string secret value.");
}
