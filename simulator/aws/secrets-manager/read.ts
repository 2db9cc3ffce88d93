import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject } from "../../base/json.ts";
import type { SecretRead } from "../../core/connections.ts";
import type { Secret, SecretStore } from "./store.ts";
import { CURRENT } from "./versions.ts";

/** A read of a container's secret by ECS, before the container starts. */
export interface ReadRequest {
  /** The task's account and region. */
  readonly account: string;
  readonly region: string;
  /** As in the container's `secrets`. */
  readonly valueFrom: string;
  readonly executionRoleArn: string | undefined;
  /** The task's service, which a fault rule may name. */
  readonly serviceArn?: string;
}

/** Why a role may not read a secret; undefined when it may. */
export type Refusal = (secret: Secret, roleArn: string) => string | undefined;

/** The parts of a `valueFrom` that names a secret; what it leaves empty is undefined. */
export interface ValueFrom {
  readonly secretArn: string;
  readonly region: string;
  readonly account: string;
  readonly jsonKey: string | undefined;
  readonly versionStage: string | undefined;
  readonly versionId: string | undefined;
}

const VALUE_FROM =
  /^(arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:[\w/+=.@-]+)(?::([^:]*):([^:]*):([^:]*))?$/;

/**
 * The parts of `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX:json-key:version-stage:version-id`, or
 * `undefined` when the text is not of that form.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
 */
export function parseValueFrom(text: string): ValueFrom | undefined {
  const [, secretArn, region, account, jsonKey, versionStage, versionId] = VALUE_FROM.exec(text) ?? [];
  if (secretArn === undefined || region === undefined || account === undefined) return undefined;
  return {
    secretArn,
    region,
    account,
    jsonKey: jsonKey || undefined,
    versionStage: versionStage || undefined,
    versionId: versionId || undefined,
  };
}

/** What the agent of ECS is answered before a secret is looked for, or after it was found. */
export interface ReadTrouble {
  /** There is no way from the task to Secrets Manager. */
  readonly unreachable: boolean;
  /** The role may read the secret, and not use the key that it is encrypted with. */
  readonly kmsDenied: boolean;
}

/**
 * The agent gives up on an endpoint that does not answer: reports such as
 * https://repost.aws/knowledge-center/ecs-unable-to-pull-secrets have this text.
 */
const NO_ANSWER =
  "operation error Secrets Manager: GetSecretValue, https response error StatusCode: 0, RequestID: , canceled, context deadline exceeded";

/** Whether the execution role can read the value; if not, Secrets Manager's name and message of the error. */
export function judgeValueFrom(
  store: SecretStore,
  request: ReadRequest,
  { refusal, trouble }: { readonly refusal: Refusal; readonly trouble: ReadTrouble },
): SecretRead {
  const from = parseValueFrom(request.valueFrom);
  if (from === undefined) return notRead("InvalidParameterException", "invalid secret reference format");
  if (from.versionStage !== undefined && from.versionId !== undefined)
    return notRead("InvalidParameterException", "give a version stage or a version id, not both");
  const roleArn = request.executionRoleArn;
  if (roleArn === undefined) return notRead("NoCredentialProviders", "the task definition has no execution role");
  if (trouble.unreachable) return { ok: false, reason: NO_ANSWER, unreachable: true };
  let secret: Secret;
  try {
    secret = store.findUsable({ account: from.account, region: from.region }, from.secretArn);
  } catch (error) {
    if (error instanceof AwsError) return notRead(error.name, error.message);
    throw error;
  }
  const refused = refusal(secret, roleArn);
  if (refused !== undefined) return notRead("AccessDeniedException", refused);
  const answer = judgeValue(secret, from);
  return answer.ok && trouble.kmsDenied ? notRead("AccessDeniedException", "Access to KMS is not allowed") : answer;
}

function judgeValue(secret: Secret, from: ValueFrom): SecretRead {
  const label = from.versionStage ?? CURRENT;
  const version = from.versionId === undefined ? secret.versions.labeled(label) : secret.versions.get(from.versionId);
  if (version === undefined)
    return notRead(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for ${from.versionId === undefined ? `staging label: ${label}` : `VersionId: ${from.versionId}`}`,
    );
  if (from.jsonKey !== undefined && !hasKey(version.secretString, from.jsonKey))
    return notRead("InvalidParameterException", `retrieved secret did not contain json key ${from.jsonKey}`);
  const value = from.jsonKey === undefined ? version.secretString : undefined;
  return { ok: true, ...(value !== undefined && { value }) };
}

function hasKey(text: string | undefined, key: string): boolean {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isJsonObject(value) && key in value;
  } catch {
    return false;
  }
}

function notRead(errorName: string, message: string): SecretRead {
  return { ok: false, reason: `${errorName}: ${message}` };
}
