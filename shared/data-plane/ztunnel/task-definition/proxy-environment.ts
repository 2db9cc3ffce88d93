import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, objectsAt, textAt, without } from "../../../base/json-fields.ts";
import type { Added } from "./added.ts";

/**
 * What sends an application's traffic through ztunnel's SOCKS5 listener, as in Solo's guide. Not through it: the task's
 * metadata and credentials (169.254.170.2), the instance's metadata (169.254.169.254) and the task itself. The first
 * value is what containers get. Behind it stand those that earlier releases gave: where one of them is still there, it
 * is ours and is replaced by the first. A release that changes a value keeps the former one here.
 */
const proxyEnvironment = {
  ALL_PROXY: ["socks5h://127.0.0.1:15080"],
  NO_PROXY: ["169.254.170.2,169.254.169.254,localhost,127.0.0.1"],
} as const satisfies ProxyEnvironment;

type ProxyVariable = "ALL_PROXY" | "NO_PROXY";
export type ProxyEnvironment = Readonly<Record<ProxyVariable, readonly [present: string, ...former: string[]]>>;

const PROXY_VARIABLES: readonly ProxyVariable[] = ["ALL_PROXY", "NO_PROXY"];

const isOurs = (entry: Json, name: ProxyVariable, values: readonly string[]): boolean =>
  isJsonObject(entry) && entry.name === name && typeof entry.value === "string" && values.includes(entry.value);

/** ECS refuses a name that stands in both `environment` and `secrets`; programs read all_proxy like ALL_PROXY. */
function hasVariable(container: JsonObject, name: ProxyVariable): boolean {
  return [...objectsAt(container, "environment"), ...objectsAt(container, "secrets")].some(
    (entry) => textAt(entry, "name")?.toUpperCase() === name,
  );
}

/** The variables that we added to a container and that still have a value of ours. */
function standing(container: JsonObject, added: Added, values: ProxyEnvironment): readonly ProxyVariable[] {
  const claimed = added.env ?? [];
  const environment = listAt(container, "environment");
  return PROXY_VARIABLES.filter(
    (name) => claimed.includes(name) && environment.some((entry) => isOurs(entry, name, values[name])),
  );
}

/** `environment` with one of our variables changed, or taken out: the last one of its name that has a value of ours. */
function changed(
  environment: readonly Json[],
  name: ProxyVariable,
  values: readonly string[],
  ...by: readonly JsonObject[]
): readonly Json[] {
  return environment.toSpliced(
    environment.findLastIndex((entry) => isOurs(entry, name, values)),
    1,
    ...by,
  );
}

function stateOf(environment: Json | undefined): Added["environment"] {
  if (environment === undefined) return "absent";
  return environment === null ? "null" : undefined;
}

/**
 * The container with the proxy environment, and what was added to it. A variable that the application has already, with
 * any value, is not changed.
 */
export function withProxyEnvironment(
  container: JsonObject,
  added: Added,
  values: ProxyEnvironment = proxyEnvironment,
): readonly [JsonObject, Added] {
  const ours = standing(container, added, values);
  const missing = PROXY_VARIABLES.filter((name) => !hasVariable(container, name));
  const before = ours.length > 0 ? added.environment : stateOf(container.environment);
  const env = PROXY_VARIABLES.filter((name) => ours.includes(name) || missing.includes(name));
  const now: Added = { ...added, env, environment: before };
  const present = (name: ProxyVariable) => ({ name, value: values[name][0] });
  const environment = listAt(container, "environment");
  const former = ours.filter((name) => !environment.some((entry) => isOurs(entry, name, [values[name][0]])));
  if (missing.length === 0 && former.length === 0) return [container, now];
  const renewed = former.reduce((entries, name) => changed(entries, name, values[name], present(name)), environment);
  return [{ ...container, environment: [...renewed, ...missing.map(present)] }, now];
}

/** The container without the proxy variables that we added, and what remains added to it. */
export function withoutProxyEnvironment(
  container: JsonObject,
  added: Added,
  values: ProxyEnvironment = proxyEnvironment,
): readonly [JsonObject, Added] {
  const rest: Added = { ...added, env: undefined, environment: undefined };
  const ours = standing(container, added, values);
  if (ours.length === 0) return [container, rest];
  const environment = ours.reduce(
    (entries, name) => changed(entries, name, values[name]),
    listAt(container, "environment"),
  );
  if (environment.length > 0 || added.environment === undefined) return [{ ...container, environment }, rest];
  return [added.environment === "null" ? { ...container, environment: null } : without(container, "environment"), rest];
}
