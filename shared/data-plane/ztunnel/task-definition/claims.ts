import * as z from "zod";
import { canonicalJson, type Json, type JsonObject, sha256 } from "../../../base/json.ts";
import { objectAt, textAt, without } from "../../../base/json-fields.ts";
import type { Appended } from "./no-proxy.ts";

/**
 * The docker label on the ztunnel container that keeps which of its members are settings of the configuration, so that
 * they go when the setting goes, and members that others have set stay. It is only there when there is something to
 * tell.
 */
const CLAIMS_LABEL = "ztunnel-autopilot/set";

/** In place of a hash: the member looks like ours, but was there before. */
export const THEIRS = "theirs";

/**
 * Member of the container → hash of the value that we gave it: it is ours only while it has this value. And what was
 * put behind other containers' own NO_PROXY, see `appendedTo`.
 */
export type Claims = ReadonlyMap<string, string>;

const labelSchema = z.record(z.string(), z.string());

/** What the label claims; nothing without a label or with one that isn't ours. */
export function claimsOf(container: JsonObject): Claims {
  const label = textAt(objectAt(container, "dockerLabels"), CLAIMS_LABEL);
  if (label === undefined) return new Map();
  try {
    return new Map(Object.entries(labelSchema.safeParse(JSON.parse(label)).data ?? {}));
  } catch {
    // Anybody can write a label. One that isn't JSON claims nothing.
    return new Map();
  }
}

/** What a claim keeps of a value. */
export function digestOf(value: Json): string {
  return sha256(canonicalJson(value)).slice(0, 16);
}

export function withClaim(claims: Claims, member: string, claim: string): Claims {
  return claims.get(member) === claim ? claims : new Map([...claims, [member, claim]]);
}

export function withoutClaim(claims: Claims, member: string): Claims {
  return claims.has(member) ? new Map([...claims].filter(([name]) => name !== member)) : claims;
}

const noProxyOf = (container: string): string => `no-proxy.${container}.`;

/** What stands behind the container's own NO_PROXY by us: by the variable's name. No name of a container has a dot. */
export function appendedTo(container: string, claims: Claims): Appended {
  const prefix = noProxyOf(container);
  return new Map(
    [...claims].flatMap(([member, claim]) =>
      member.startsWith(prefix) ? [[member.slice(prefix.length), claim] as const] : [],
    ),
  );
}

/** The claims with what stands behind the containers' own NO_PROXY now. */
export function withAppended(claims: Claims, appended: ReadonlyMap<string, Appended>): Claims {
  const others = [...claims].filter(([member]) => !member.startsWith("no-proxy."));
  const now = [...appended].flatMap(([container, lists]) =>
    [...lists].map(([name, suffix]) => [`${noProxyOf(container)}${name}`, suffix] as const),
  );
  return new Map([...others, ...now]);
}

const NOTHING = "{}";

const textOf = (claims: Claims): string => canonicalJson(Object.fromEntries(claims));

/** The container with a label that claims this; the same object when its label already does. */
export function withClaims(container: JsonObject, claims: Claims): JsonObject {
  const labels = objectAt(container, "dockerLabels");
  const text = textOf(claims);
  const present = textAt(labels, CLAIMS_LABEL);
  if (text === (present ?? NOTHING)) return container;
  if (text !== NOTHING) return { ...container, dockerLabels: { ...labels, [CLAIMS_LABEL]: text } };
  const rest = without(labels, CLAIMS_LABEL);
  return Object.keys(rest).length > 0 ? { ...container, dockerLabels: rest } : without(container, "dockerLabels");
}
