import { canonicalJson, type JsonObject, sha256 } from "../base/json.ts";
import type { Config } from "../config/config.ts";
import {
  type Inject,
  type Injection,
  inject,
  parseValueFrom,
  pinnedValueFrom,
  remove,
  stagePrefixOf,
} from "../data-plane/ztunnel/index.ts";
import type { DescribedTaskDefinition, ObservedService } from "../model/service.ts";
import { registerable } from "../model/task-definition.ts";
import type { Decision, DesiredEnrollment, DesiredSecret } from "./decision.ts";
import { settingsHash } from "./settings-hash.ts";
import { sidecarSpec } from "./sidecar-spec.ts";

/** What to register so that the service is as desired; or why that can't be, as a refusal. */
export function desiredDefinition(
  definition: DescribedTaskDefinition,
  desired: DesiredEnrollment,
  secretValueFrom: string,
  config: Config,
): Injection {
  return inject(registerable(definition.raw, definition.tags), sidecarSpec(desired, secretValueFrom, config));
}

/** What to register so that the service is out of the mesh: the definition without sidecar and what came with it. */
export function removedDefinition(definition: DescribedTaskDefinition): JsonObject {
  return remove(registerable(definition.raw, definition.tags));
}

/**
 * The `valueFrom` that the desired definition is compared with. Secrets Manager ends a secret's ARN in six random
 * characters: without the ARN, an observed `valueFrom` that pins the desired version of the desired secret in the
 * service's account and region is taken as right, and any other is replaced by one with a made-up suffix.
 */
export function comparableValueFrom(
  service: ObservedService,
  secret: DesiredSecret,
  observedValueFrom: string | undefined,
  secretArn?: string,
): string {
  if (secretArn !== undefined) return pinnedValueFrom(secretArn, secret.versionId);
  const { serviceArn, account, region } = service.ref;
  if (observedValueFrom !== undefined && pinsVersion(service, secret, observedValueFrom)) return observedValueFrom;
  const partition = serviceArn.split(":")[1] ?? "aws";
  const arn = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secret.secretName}-??????`;
  return pinnedValueFrom(arn, secret.versionId);
}

/** What the name of the secret begins with that a `valueFrom` pins, for a comparison by version; else undefined. */
export function stagePrefixOfToken(valueFrom: string): string | undefined {
  return stagePrefixOf(parseValueFrom(valueFrom)?.secretName ?? "");
}

/**
 * True if the `valueFrom` pins this version of this secret in the service's account and region. The random suffix of
 * the secret's ARN doesn't matter.
 */
export function pinsVersion({ ref }: Pick<ObservedService, "ref">, secret: DesiredSecret, valueFrom: string): boolean {
  const pinned = parseValueFrom(valueFrom);
  return (
    pinned !== undefined &&
    pinned.account === ref.account &&
    pinned.region === ref.region &&
    pinned.secretName === secret.secretName &&
    pinned.versionId === secret.versionId &&
    pinned.stage === undefined &&
    pinned.jsonKey === undefined
  );
}

/** True if the `valueFrom` names this very secret, by its full ARN. */
export function pinsSecret(valueFrom: string | undefined, secretArn: string | undefined): boolean {
  return valueFrom !== undefined && secretArn !== undefined && parseValueFrom(valueFrom)?.secretArn === secretArn;
}

/**
 * A hash of what an enrollment puts into a task definition, or of taking it out: for the execution's name and for
 * telling situations apart. Of the service's own definition only the execution role counts, so that the same attempt
 * has the same hash. Missing tags don't count: a failed roll may have set them, and it is the same situation then.
 * `build` is given for another release than this one.
 */
export function contentHash(
  desired: DesiredEnrollment | "removed",
  config: Pick<Config, "ztunnel">,
  build?: Inject,
): string {
  if (desired === "removed") return sha256("removed");
  const { identity, secret, image, executionRoleArn, request } = desired;
  return sha256(
    canonicalJson({
      identity: { ...identity },
      secret: { ...secret },
      image,
      executionRoleArn,
      proxyEnv: request.proxyEnv,
      settings: settingsHash(config, build),
    }),
  );
}

/** What a roll of this decision brings, as a hash: part of its execution's name and of the situation it is tried in. */
export function desiredContent(
  decision: Extract<Decision, { action: "enroll" | "update" | "unenroll" }>,
  config: Config,
): string {
  return contentHash(decision.action === "unenroll" ? "removed" : decision.desired, config);
}
