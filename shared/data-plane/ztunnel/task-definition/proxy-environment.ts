import { canonicalJson, isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, objectsAt, textAt, without } from "../../../base/json-fields.ts";
import { nameOf } from "../../../model/task-definition.ts";
import type { Added } from "./added.ts";
import { type Appended, excludesAll, isNamedLike, withHosts, withoutHosts } from "./no-proxy.ts";

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
  return variablesOf(container).some((entry) => isNamedLike(entry, name));
}

const variablesOf = (container: JsonObject): readonly JsonObject[] => [
  ...objectsAt(container, "environment"),
  ...objectsAt(container, "secrets"),
];

/** The variables that we added to a container and that still have a value of ours. */
function standing(container: JsonObject, added: Added, values: ProxyEnvironment): readonly ProxyVariable[] {
  const claimed = added.env ?? [];
  const environment = listAt(container, "environment");
  return PROXY_VARIABLES.filter(
    (name) => claimed.includes(name) && environment.some((entry) => isOurs(entry, name, values[name])),
  );
}

function stateOf(environment: Json | undefined): Added["environment"] {
  if (environment === undefined) return "absent";
  return environment === null ? "null" : undefined;
}

/**
 * Why the container gets no proxy environment, as a sentence; `undefined` when it gets one. A proxy of the
 * application's own goes before, and a part of the environment alone would send AWS's own addresses through ztunnel.
 */
function obstacleOf(bare: JsonObject, values: ProxyEnvironment): string | undefined {
  const name = nameOf(bare);
  const elsewhere = variablesOf(bare).find(
    (entry) => isNamedLike(entry, "ALL_PROXY") && textAt(entry, "value") !== values.ALL_PROXY[0],
  );
  if (elsewhere) return `Container ${name} has its own ${nameOf(elsewhere)}: its outbound traffic is not in the mesh.`;
  const secret = objectsAt(bare, "secrets").find((entry) => isNamedLike(entry, "NO_PROXY"));
  if (secret) return `Container ${name} has ${nameOf(secret)} as a secret, which can't be completed: it gets no proxy.`;
  const closed = objectsAt(bare, "environment").find(
    (entry) => isNamedLike(entry, "NO_PROXY") && excludesAll(textAt(entry, "value") ?? ""),
  );
  return closed && `Container ${name} lets nothing through a proxy by its ${nameOf(closed)}: it gets none.`;
}

/** True if the container's traffic goes to ztunnel's SOCKS5 listener by its environment. */
export function usesZtunnel(container: JsonObject): boolean {
  return objectsAt(container, "environment").some(
    (entry) => isNamedLike(entry, "ALL_PROXY") && textAt(entry, "value") === proxyEnvironment.ALL_PROXY[0],
  );
}

/** What of the application's own decides beside a proxy environment that it gets, as sentences. */
function rivalsOf(bare: JsonObject): readonly string[] {
  const name = nameOf(bare);
  const names = variablesOf(bare)
    .map(nameOf)
    .filter((one) => /^https?_proxy$/i.test(one));
  const hasFiles = listAt(bare, "environmentFiles").length > 0;
  return [
    ...(names.length > 0 ? [`Container ${name} has its own ${names.join(" and ")}, before ALL_PROXY.`] : []),
    ...(hasFiles ? [`Container ${name} has environment files: ALL_PROXY and NO_PROXY go before theirs.`] : []),
  ];
}

/** Why the proxy environment does not do all that it is for in this container, as sentences. */
export function proxyProblems(
  container: JsonObject,
  added: Added,
  appended: Appended,
  values: ProxyEnvironment = proxyEnvironment,
): readonly string[] {
  const bare = bareOf(container, added, appended, values);
  const obstacle = obstacleOf(bare, values);
  return obstacle === undefined ? rivalsOf(bare) : [obstacle];
}

/** What is in the container by us: beside `added`, what stands behind the application's own NO_PROXY. */
export interface Proxied {
  readonly container: JsonObject;
  readonly added: Added;
  readonly appended: Appended;
}

const NOTHING: Appended = new Map();

function bareOf(container: JsonObject, added: Added, appended: Appended, values: ProxyEnvironment): JsonObject {
  const own = withoutHosts(container, appended);
  const ours = standing(own, added, values);
  if (ours.length === 0) return own;
  const environment = ours.reduce<readonly Json[]>(
    (entries, name) =>
      entries.toSpliced(
        entries.findLastIndex((entry) => isOurs(entry, name, values[name])),
        1,
      ),
    listAt(own, "environment"),
  );
  if (environment.length > 0 || added.environment === undefined) return { ...own, environment };
  return added.environment === "null" ? { ...own, environment: null } : without(own, "environment");
}

const isSameSet = (some: readonly Json[], others: readonly Json[]): boolean =>
  some.length === others.length && isSameJson(some.map(canonicalJson).toSorted(), others.map(canonicalJson).toSorted());

/**
 * The container with the proxy environment, and what was added to it. The application's own NO_PROXY is completed. One
 * that has a proxy of its own gets nothing: see `proxyProblems`.
 */
export function withProxyEnvironment(
  container: JsonObject,
  added: Added,
  appended: Appended = NOTHING,
  values: ProxyEnvironment = proxyEnvironment,
): Proxied {
  const bare = bareOf(container, added, appended, values);
  if (obstacleOf(bare, values) !== undefined) return withoutProxyEnvironment(container, added, appended, values);
  const [completed, now] = withHosts(bare, values.NO_PROXY[0]);
  const missing = PROXY_VARIABLES.filter((name) => !hasVariable(bare, name));
  const environment = [
    ...listAt(completed, "environment"),
    ...missing.map((name) => ({ name, value: values[name][0] })),
  ];
  const hadOurs = standing(container, added, values).length > 0;
  return {
    container: isSameSet(environment, listAt(container, "environment")) ? container : { ...container, environment },
    added: { ...added, env: missing, environment: hadOurs ? added.environment : stateOf(container.environment) },
    appended: now,
  };
}

/** The container without the proxy environment that we added, and what remains added to it. */
export function withoutProxyEnvironment(
  container: JsonObject,
  added: Added,
  appended: Appended = NOTHING,
  values: ProxyEnvironment = proxyEnvironment,
): Proxied {
  return {
    container: bareOf(container, added, appended, values),
    added: { ...added, env: undefined, environment: undefined },
    appended: NOTHING,
  };
}
