import type { JsonObject } from "../base/json.ts";
import { type StageKeys, type TagName, tagKeys } from "../base/vocabulary.ts";
import { type Config, targetsOf } from "../config/config.ts";
import { driftOf, findSidecar, parseValueFrom, type Sidecar, tokenScopeOf } from "../data-plane/ztunnel/index.ts";
import { type Refusal, refusedWishes } from "../model/reasons.ts";
import type { DescribedTaskDefinition, ObservedService, Tags } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { registerable } from "../model/task-definition.ts";
import type { TagRequest } from "./decision.ts";
import { stagePrefixOfToken } from "./definition.ts";
import { imageRefusals, namespaceRefusals, platformRefusals } from "./refusals-of.ts";
import { sidecarSpec } from "./sidecar-spec.ts";
import { effectiveTags, parseRequest, sharedHostname, soundTags } from "./tags.ts";

interface Tagged {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  readonly config: Config;
}

/** What counts of the ledger's memory. */
export type WishState = Pick<ServiceState, "enrolled" | "lastGoodSecret" | "lastGoodImage" | "givenPorts">;

interface Observed extends Tagged {
  readonly definition: DescribedTaskDefinition;
  readonly state: WishState | undefined;
  readonly rollout?: { readonly image?: string };
}

/** Who a token is for. */
export type TokenIdentity = Pick<TagRequest, "namespace" | "serviceAccount" | "platform" | "external">;

/** What a service in the mesh runs with. */
export interface Running extends TokenIdentity {
  /** Where a deployment has taken the sidecar away, the last good one; undefined where that is not known. */
  readonly image: string | undefined;
}

/** What an enrolled service shall have, and what is refused of that which its tags ask for. */
export interface Wish {
  /** Undefined where the tags are wrong and it is unknown what the service runs with. */
  readonly request: TagRequest | undefined;
  /** Why the tags' wish keeps the service out of the mesh. */
  readonly refusals: readonly Refusal[];
  /** Why the service goes on with what it runs with instead of what its tags ask for. */
  readonly kept: readonly Refusal[];
  /** Of that, its identity: the tags that istiod reads may say another. */
  readonly keepsIdentity: boolean;
}

/**
 * The sidecar of a definition as the stage sees it. One that reads another stage's secret is one that somebody else has
 * made: without a tag it is left alone, and a tag of this stage adopts it.
 */
export function ownSidecar(definition: JsonObject, { prefix }: StageKeys): Sidecar {
  const sidecar = findSidecar(definition);
  if (sidecar.kind !== "ours" || stagePrefixOfToken(sidecar.secretValueFrom) === prefix) return sidecar;
  return { ...sidecar, kind: "by-hand" };
}

/** The service has our sidecar, or had it until a deployment took it away. */
export function isInMesh({ state }: Pick<Observed, "state">, sidecar: Sidecar): boolean {
  return sidecar.kind === "ours" || state?.enrolled === true;
}

/** What the service runs with, by its token's secret; undefined for one that is not in the mesh, or has no such. */
export function runningOf(observed: Observed, sidecar: Sidecar): Running | undefined {
  if (!isInMesh(observed, sidecar)) return undefined;
  const valueFrom = sidecar.kind === "ours" ? sidecar.secretValueFrom : observed.state?.lastGoodSecret;
  const identity = tokenIdentityOf(valueFrom);
  return identity && { ...identity, image: sidecar.kind === "ours" ? sidecar.image : observed.state?.lastGoodImage };
}

/** Who the token is for that a container gets by this `valueFrom`; undefined unless it names a secret of ours. */
export function tokenIdentityOf(valueFrom: string | null | undefined): TokenIdentity | undefined {
  const scope = tokenScopeOf(parseValueFrom(valueFrom ?? "")?.secretName ?? "");
  if (!scope) return undefined;
  const { remote: external, ...identity } = scope;
  return { ...identity, external };
}

/** True if the definition has the proxy environment: with it, nothing drifts. */
function hasProxyEnv({ definition, config }: Observed, { image }: Running): boolean {
  if (image === undefined) return false;
  const spec = sidecarSpec({ image, request: { proxyEnv: true } }, "", config);
  return !driftOf(registerable(definition.raw, definition.tags), spec).includes("proxy-env");
}

/**
 * What the service's tags, with its cluster's as defaults, ask for. What is refused of it is left out where `running`
 * is known, for that instead. `mistakes` are refusals of the wish that its tags alone don't show.
 */
export function wishOf(observed: Observed, running: Running | undefined, mistakes: readonly Refusal[]): Wish {
  const { service, clusterTags, config } = observed;
  const asked = requestOf(observed);
  const refusals = [
    ...mistakes,
    ...sharedHostname(service.tags, clusterTags),
    ...("refusals" in asked ? asked.refusals.filter((one) => !isAmong(mistakes, one)) : refusedOf(asked.ok, config)),
  ];
  const canBeKept = running && refusals.every(({ reason }) => refusedWishes.includes(reason));
  if (refusals.length === 0 || !canBeKept) {
    return { request: "ok" in asked ? asked.ok : undefined, refusals, kept: [], keepsIdentity: false };
  }
  return { ...instead(observed, running, mistakes), refusals: [], kept: refusals };
}

function isAmong(refusals: readonly Refusal[], { reason, detail }: Refusal): boolean {
  return refusals.some((one) => one.reason === reason && one.detail === detail);
}

/** What the service's tags, with its cluster's as defaults, ask for; or what is wrong with them. */
export function requestOf(
  tagged: Tagged & { readonly state?: Pick<ServiceState, "givenPorts"> | undefined },
): ReturnType<typeof parseRequest> {
  return parseRequest(askingTags(tagged), defaultsOf(tagged.service, tagged.config));
}

/** The tags of people: the ports that the autopilot has given the service ask for nothing. */
function askingTags({ service, clusterTags, state, config }: Parameters<typeof requestOf>[0]): Tags {
  const { [tagKeys.ports]: ports, ...others } = service.tags;
  const isGiven = ports !== undefined && ports === state?.givenPorts;
  return effectiveTags(isGiven ? others : service.tags, clusterTags, config.keys);
}

function defaultsOf({ ref }: ObservedService, config: Config): Parameters<typeof parseRequest>[1] {
  const { account, region, clusterName, serviceName } = ref;
  const target = targetsOf(config).find((one) => one.account === account && one.region === region);
  // Without a target there is no control plane either, which is refused.
  return {
    clusterName,
    serviceName,
    domain: target?.domain ?? "",
    enrollTagKey: config.enrollTagKey,
    keys: config.keys,
  };
}

/** The refusals of a request whose tags are valid. */
function refusedOf(request: TagRequest, config: Config): readonly Refusal[] {
  return [
    ...platformRefusals(request, config),
    ...namespaceRefusals(request.namespace, config.allowedNamespaces),
    ...imageRefusals(request.image, config),
  ];
}

const identityTags = ["namespace", "serviceAccount", "platform", "external"] as const;

/** What is sound of the wish, and what runs in place of the rest: of an identity all, or nothing. */
function instead(
  observed: Observed,
  running: Running,
  mistakes: readonly Refusal[],
): { readonly request: TagRequest; readonly keepsIdentity: boolean } {
  const { service, config, rollout } = observed;
  const tags = askingTags(observed);
  const sound = soundTags(tags, config.enrollTagKey, config.keys);
  const parsed = parseRequest(sound, defaultsOf(service, config));
  if ("refusals" in parsed) throw new Error("sound tags were refused");
  const request = parsed.ok;
  const { tags: keys } = config.keys;
  const lost = (name: TagName) => tags[keys[name]] !== undefined && sound[keys[name]] === undefined;
  const keepsIdentity =
    mistakes.length > 0 ||
    identityTags.some(lost) ||
    platformRefusals(request, config).length > 0 ||
    namespaceRefusals(request.namespace, config.allowedNamespaces).length > 0;
  const { namespace, serviceAccount, platform, external } = running;
  const isImageRefused = lost("image") || imageRefusals(request.image, config).length > 0;
  // An image that it has by its tag stays; in place of one that it never had, a rollout may bring its own.
  const keepsImage = running.image === tags[keys.image] || rollout?.image === undefined;
  const kept = {
    ...request,
    ...(keepsIdentity && { namespace, serviceAccount, platform, external }),
    ...(lost("proxyEnv") && { proxyEnv: hasProxyEnv(observed, running) }),
    // A tag of people stays as it is.
    ...(lost("ports") && { ports: service.tags[tagKeys.ports] }),
    ...(isImageRefused && { image: keepsImage ? running.image : undefined }),
  };
  return { request: kept, keepsIdentity };
}
