import { nearest } from "../base/nearest.ts";
import { commonKeys, ISTIOD_TAG_PREFIX, type StageKeys, type TagName, tagKeys, tagNames } from "../base/vocabulary.ts";
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
  namespace: namespaceCheck,
  serviceAccount: serviceAccountCheck,
  hostname: hostnameCheck,
  ports: portsCheck,
  platform: oneOf("ecs", "ecs-ec2"),
  external: oneOf("true", "false"),
  proxyEnv: oneOf("true", "false"),
  image: imageCheck,
  wave: oneOf("canary"),
  alarms: alarmsCheck,
} as const satisfies Readonly<Record<TagName, ValueCheck>>;

/**
 * The tags that mean something here: the service's, and its cluster's where the service has none of that key. A
 * hostname is one service's alone.
 */
export function effectiveTags(serviceTags: Tags, clusterTags: Tags, { prefix }: StageKeys = commonKeys): Tags {
  const { [tagKeys.hostname]: _, ...defaults } = clusterTags;
  const ours = Object.entries({ ...defaults, ...serviceTags }).filter(
    ([key]) => key.startsWith(prefix) || key.startsWith(ISTIOD_TAG_PREFIX),
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
export function asksToLeave(
  serviceTags: Tags,
  clusterTags: Tags,
  enrollTagKey: string,
  keys: StageKeys = commonKeys,
): boolean {
  const intent = enrollIntent(serviceTags, clusterTags, enrollTagKey);
  if (intent !== "absent") return intent === "out";
  return unknownTags(effectiveTags(serviceTags, clusterTags, keys), enrollTagKey, keys).length === 0;
}

/** The tags without those that are refused for their key or their value. */
export function soundTags(tags: Tags, enrollTagKey: string, keys: StageKeys = commonKeys): Tags {
  return Object.fromEntries(
    Object.entries(tags).filter(
      ([key, value]) =>
        unknownTags({ [key]: value }, enrollTagKey, keys).length === 0 &&
        badValues({ [key]: value }, keys).length === 0,
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
  /** Default: those of production. */
  readonly keys?: StageKeys;
}

/** What effective tags ask for, with the defaults where they are silent; or all that is wrong with them. */
export function parseRequest(
  tags: Tags,
  defaults: RequestDefaults,
): { readonly ok: TagRequest } | { readonly refusals: readonly [Refusal, ...Refusal[]] } {
  const { keys = commonKeys } = defaults;
  const [first, ...others] = [...badValues(tags, keys), ...unknownTags(tags, defaults.enrollTagKey, keys)];
  if (first) return { refusals: [first, ...others] };
  const { clusterName, serviceName, domain } = defaults;
  const { tags: own } = keys;
  return {
    ok: {
      namespace: tags[own.namespace] ?? "istio-system",
      serviceAccount: tags[own.serviceAccount] ?? "default",
      hostname: tags[own.hostname] ?? `${serviceName}.${clusterName}.${domain}`,
      ports: tags[own.ports],
      platform: tags[own.platform] === "ecs-ec2" ? "ecs-ec2" : "ecs",
      external: tags[own.external] !== "false",
      proxyEnv: tags[own.proxyEnv] === "true",
      image: tags[own.image],
      canary: tags[own.wave] === "canary",
    },
  };
}

/**
 * A refusal for every key with the prefix that means nothing, with a hint at one that was meant: a typo in a key
 * must not go by in silence. Unknown `ecs.solo.io/` keys are istiod's business.
 */
export function unknownTags(
  tags: Tags,
  enrollTagKey: string,
  { prefix, tags: keys }: StageKeys = commonKeys,
): readonly Refusal[] {
  const known: readonly string[] = [enrollTagKey, ...Object.values(keys)];
  return Object.keys(tags)
    .filter((key) => key.startsWith(prefix) && !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known, nameIn);
      return {
        reason: "bad-tag",
        detail: `${quote(key)} is not a known tag${meant ? `, did you mean ${meant}?` : ""}`,
      };
    });
}

function badValues(tags: Tags, { tags: keys }: StageKeys): readonly Refusal[] {
  const byKey: readonly (readonly [string, ValueCheck])[] = tagNames.map((name) => [keys[name], checks[name]]);
  return byKey.flatMap(([key, check]) => {
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
