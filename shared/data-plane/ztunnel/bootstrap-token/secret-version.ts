import { sha256 } from "../../../base/json.ts";
import { ANY_STAGE_PREFIX, commonKeys, tagKeys } from "../../../base/vocabulary.ts";
import { type BootstrapToken, encodeToken } from "./token.ts";

type SecretScope = Pick<BootstrapToken, "network" | "namespace" | "serviceAccount" | "platform" | "remote">;

const SEGMENT = /^[\w+=.@-]+$/;
const SECRET_NAME = /^[\w/+=.@-]{1,512}$/;

/**
 * The name of the secret that holds the tokens of a workload identity: `<prefix><network>/<namespace>/
 * <service-account>`, with `/<platform>` or `/<platform>-local` behind it where these differ from the defaults. Tokens
 * that differ by more than the mesh facts never share a secret, so that one does not push out the other's AWSCURRENT. A
 * name may not end in a hyphen and six characters, as an ARN's random suffix does: `/identity` is put behind such a
 * one.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
 */
export function secretName(
  { network, namespace, serviceAccount, platform, remote }: SecretScope,
  prefix: string = commonKeys.prefix,
): string {
  const variant = remote ? platform : `${platform}-local`;
  const name = [
    segment(network, 63),
    segment(namespace, 63),
    segment(serviceAccount, 253),
    ...(variant === "ecs" ? [] : [variant]),
  ].join("/");
  return `${prefix}${name}${/-.{6}$/.test(name) ? "/identity" : ""}`;
}

/** What the tokens of a secret are for, besides the mesh. */
export type TokenScope = Omit<SecretScope, "network">;

/**
 * What the tokens of a secret of ours are for, by the name that `secretName` has given it. Undefined for any other
 * name, and for one with a part that could not stand in it unchanged. The stage that wrote it does not matter.
 */
export function tokenScopeOf(name: string): TokenScope | undefined {
  const prefix = stagePrefixOf(name);
  if (prefix === undefined) return undefined;
  const [, namespace, serviceAccount, variant] = name.slice(prefix.length).split("/");
  if (!namespace || !serviceAccount || namespace.includes("=") || serviceAccount.includes("=")) return undefined;
  const platform = variant?.startsWith("ecs-ec2") ? "ecs-ec2" : "ecs";
  return { namespace, serviceAccount, platform, remote: !variant?.endsWith("-local") };
}

/** What the name of a token's secret begins with, by which the stage that wrote it is known; else undefined. */
export function stagePrefixOf(name: string): string | undefined {
  return ANY_STAGE_PREFIX.exec(name)?.[0];
}

/** True if Secrets Manager takes the text as a secret's name, and its ARN can be distinguished from the name. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !/-.{6}$/.test(name);
}

/** The text itself if it may stand in a secret's name; else what is left of it and a hash that keeps it apart. */
function segment(text: string, maxLength: number): string {
  if (text.length <= maxLength && SEGMENT.test(text)) return text;
  return `${text.replace(/[^\w+=.@-]/g, "_").slice(0, maxLength - 17)}=${sha256(text).slice(0, 16)}`;
}

/**
 * The id of the secret version that holds this token: SHA-256 of the encoded token in hex, also its ClientRequestToken.
 */
export function versionIdOf(token: BootstrapToken): string {
  return sha256(encodeToken(token));
}

/** A container's `valueFrom` that pins one version of the secret. */
export function pinnedValueFrom(secretArn: string, versionId: string): string {
  return `${secretArn}:::${versionId}`;
}

/** The parts of a container's `valueFrom` that names a secret. */
export interface ParsedValueFrom {
  readonly region: string;
  readonly account: string;
  /** Without the random suffix that Secrets Manager puts behind it. */
  readonly secretName: string;
  readonly secretArn: string;
  readonly jsonKey: string | undefined;
  readonly stage: string | undefined;
  readonly versionId: string | undefined;
}

const VALUE_FROM =
  /^(arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):(\d{12}):secret:([\w/+=.@-]+))(?::([^:]*):([^:]*):([^:]*))?$/;

/**
 * The parts of a `valueFrom` of the form `arn:…:secret:name-suffix:json-key:version-stage:version-id`, or `undefined`
 * when it names something else, such as an SSM parameter.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
 */
export function parseValueFrom(valueFrom: string): ParsedValueFrom | undefined {
  const [, secretArn, region, account, resource, jsonKey, stage, versionId] = VALUE_FROM.exec(valueFrom) ?? [];
  if (!secretArn || !region || !account || !resource) return undefined;
  return {
    region,
    account,
    secretArn,
    secretName: resource.replace(/-[A-Za-z0-9]{6}$/, ""),
    jsonKey: jsonKey || undefined,
    stage: stage || undefined,
    versionId: versionId || undefined,
  };
}

const LABEL_PREFIX = "zt-";
const MAX_LABELS = 20;

/**
 * The staging label that keeps a version while a task definition may refer to it: AWS may delete versions without one.
 * Sixteen hex digits of the version's id distinguish the few versions of a secret.
 */
export function labelOf(versionId: string): string {
  return `${LABEL_PREFIX}${versionId.slice(0, 16)}`;
}

/** Staging labels by version id, as ListSecretVersionIds and DescribeSecret return them. */
export type VersionLabels = Readonly<Record<string, readonly string[]>>;

/**
 * The autopilot's own labels that no service needs any more. The version with AWSCURRENT, the newest one and those in
 * use keep theirs; labels of AWS and of others are left alone.
 */
export function retirableVersions(secret: {
  readonly versions: VersionLabels;
  readonly inUse: ReadonlySet<string>;
  /** The version written last: a roll may be on its way to it. */
  readonly newestAlwaysKept: string | undefined;
}): readonly { readonly versionId: string; readonly label: string }[] {
  return Object.entries(secret.versions).flatMap(([versionId, labels]) => {
    const kept = secret.inUse.has(versionId) || versionId === secret.newestAlwaysKept || labels.includes("AWSCURRENT");
    if (kept) return [];
    return labels.filter((label) => label.startsWith(LABEL_PREFIX)).map((label) => ({ versionId, label }));
  });
}

/**
 * True if the secret can take another version: a secret has 20 labels in all, and a write needs one of its own besides
 * AWSCURRENT and AWSPREVIOUS. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
export function hasRoomForVersion(versions: VersionLabels): boolean {
  const labels = new Set([...Object.values(versions).flat(), "AWSCURRENT", "AWSPREVIOUS"]);
  return labels.size < MAX_LABELS;
}

/** Tags of a secret, for people and for policies on tags. */
export function secretTags(
  scope: SecretScope,
  prefix: string = commonKeys.prefix,
): readonly { readonly key: string; readonly value: string }[] {
  return [
    { key: `${prefix}managed`, value: "true" },
    { key: `${prefix}network`, value: scope.network },
    { key: tagKeys.namespace, value: scope.namespace },
    { key: tagKeys.serviceAccount, value: scope.serviceAccount },
  ];
}
