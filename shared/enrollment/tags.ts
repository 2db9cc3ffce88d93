import { nearest } from "../base/nearest.ts";
import { AUTOPILOT_TAG_PREFIX, ISTIOD_TAG_PREFIX, type TagKey, tagKeys } from "../base/vocabulary.ts";
import type { Refusal } from "../model/reasons.ts";
import type { Tags } from "../model/service.ts";
import type { TagRequest } from "./decision.ts";
import {
  alarmsCheck,
  hostnameCheck,
  imageCheck,
  namespaceCheck,
  oneOf,
  portsCheck,
  serviceAccountCheck,
  type ValueCheck,
} from "./tag-values.ts";

const checks = {
  [tagKeys.namespace]: namespaceCheck,
  [tagKeys.serviceAccount]: serviceAccountCheck,
  [tagKeys.hostname]: hostnameCheck,
  [tagKeys.ports]: portsCheck,
  [tagKeys.platform]: oneOf("ecs", "ecs-ec2"),
  [tagKeys.external]: oneOf("true", "false"),
  [tagKeys.proxyEnv]: oneOf("true", "false"),
  [tagKeys.image]: imageCheck,
  [tagKeys.wave]: oneOf("canary"),
  [tagKeys.alarms]: alarmsCheck,
} as const satisfies Readonly<Record<TagKey, ValueCheck>>;

/**
 * The tags that mean something here: the service's, and its cluster's where the service has none of that key. A
 * hostname is one service's alone.
 */
export function effectiveTags(serviceTags: Tags, clusterTags: Tags): Tags {
  const { [tagKeys.hostname]: _, ...defaults } = clusterTags;
  const ours = Object.entries({ ...defaults, ...serviceTags }).filter(
    ([key]) => key.startsWith(AUTOPILOT_TAG_PREFIX) || key.startsWith(ISTIOD_TAG_PREFIX),
  );
  return Object.fromEntries(ours);
}

/**
 * The CloudWatch alarms that the tag names; undefined without any. A tag's value has no comma: names are joined by `+`.
 */
export function alarmNames(value: string | undefined): string[] | undefined {
  const names = (value ?? "").split("+").flatMap((name) => name.trim() || []);
  return names.length > 0 ? names : undefined;
}

/** What the enroll tag says: the service's own before its cluster's. Anything but `true` and `false` is a refusal. */
export function enrollIntent(
  serviceTags: Tags,
  clusterTags: Tags,
  enrollTagKey: string,
): "in" | "out" | "absent" | { readonly bad: Refusal } {
  const value = serviceTags[enrollTagKey] ?? clusterTags[enrollTagKey];
  if (value === undefined) return "absent";
  if (value === "true") return "in";
  if (value === "false") return "out";
  return { bad: badTag(enrollTagKey, value, "expected true or false") };
}

/**
 * True when nothing asks for the mesh: a service that is in it leaves. A mistake in the enroll tag's value, or in the
 * key of one of our tags where the enroll tag is absent, is not a wish to leave.
 */
export function asksToLeave(serviceTags: Tags, clusterTags: Tags, enrollTagKey: string): boolean {
  const intent = enrollIntent(serviceTags, clusterTags, enrollTagKey);
  if (intent !== "absent") return intent === "out";
  return unknownTags(effectiveTags(serviceTags, clusterTags), enrollTagKey).length === 0;
}

/** The tags without those that are refused for their key or their value. */
export function soundTags(tags: Tags, enrollTagKey: string): Tags {
  return Object.fromEntries(
    Object.entries(tags).filter(
      ([key, value]) =>
        unknownTags({ [key]: value }, enrollTagKey).length === 0 && badValues({ [key]: value }).length === 0,
    ),
  );
}

/** A cluster's tag for a hostname, which would be that of all its services: for a service without one of its own. */
export function sharedHostname(serviceTags: Tags, clusterTags: Tags): readonly Refusal[] {
  const value = clusterTags[tagKeys.hostname];
  if (value === undefined || serviceTags[tagKeys.hostname] !== undefined) return [];
  const problem = "it is on the cluster, where it means nothing to istiod; tag the service";
  return [badTag(tagKeys.hostname, value, problem)];
}

/** What a request's defaults are made of. */
export interface RequestDefaults {
  readonly clusterName: string;
  readonly serviceName: string;
  /** The account's domain in the configuration. */
  readonly domain: string;
  readonly enrollTagKey: string;
}

/** What effective tags ask for, with the defaults where they are silent; or all that is wrong with them. */
export function parseRequest(
  tags: Tags,
  defaults: RequestDefaults,
): { readonly ok: TagRequest } | { readonly refusals: readonly [Refusal, ...Refusal[]] } {
  const [first, ...others] = [...badValues(tags), ...unknownTags(tags, defaults.enrollTagKey)];
  if (first) return { refusals: [first, ...others] };
  const { clusterName, serviceName, domain } = defaults;
  return {
    ok: {
      namespace: tags[tagKeys.namespace] ?? "istio-system",
      serviceAccount: tags[tagKeys.serviceAccount] ?? "default",
      hostname: tags[tagKeys.hostname] ?? `${serviceName}.${clusterName}.${domain}`,
      ports: tags[tagKeys.ports],
      platform: tags[tagKeys.platform] === "ecs-ec2" ? "ecs-ec2" : "ecs",
      external: tags[tagKeys.external] !== "false",
      proxyEnv: tags[tagKeys.proxyEnv] === "true",
      image: tags[tagKeys.image],
      canary: tags[tagKeys.wave] === "canary",
    },
  };
}

/**
 * A refusal for every `ztunnel-autopilot/` key that means nothing, with a hint at one that was meant: a typo in a key
 * must not go by in silence. Unknown `ecs.solo.io/` keys are istiod's business.
 */
export function unknownTags(tags: Tags, enrollTagKey: string): readonly Refusal[] {
  const known: readonly string[] = [enrollTagKey, ...Object.values(tagKeys)];
  return Object.keys(tags)
    .filter((key) => key.startsWith(AUTOPILOT_TAG_PREFIX) && !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known, nameIn);
      return {
        reason: "bad-tag",
        detail: `${quote(key)} is not a known tag${meant ? `, did you mean ${meant}?` : ""}`,
      };
    });
}

function badValues(tags: Tags): readonly Refusal[] {
  return Object.entries(checks).flatMap(([key, check]) => {
    const value = tags[key];
    const problem = value === undefined ? undefined : check(value);
    return value === undefined || problem === undefined ? [] : [badTag(key, value, problem)];
  });
}

function badTag(key: string, value: string, problem: string): Refusal {
  return { reason: "bad-tag", detail: `${key} is ${quote(value)}: ${problem}` };
}

/** The text in quotes, line breaks escaped, at most 100 characters of it. */
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 99)}…` : text);
}

/** A key's part behind the prefix: the prefix may be the mistake. */
function nameIn(key: string): string {
  return key.slice(key.indexOf("/") + 1);
}
