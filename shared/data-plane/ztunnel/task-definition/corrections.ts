import { isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, objectAt } from "../../../base/json-fields.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { type Claims, digestOf } from "./claims.ts";
import { looksLikeOurs } from "./logs.ts";
import {
  claimsOfVariables,
  type Edit,
  withEnvironment,
  withLogs,
  withReservation,
  withSetting,
  withSize,
} from "./owned-members.ts";
import { BOOTSTRAP_TOKEN, type BuiltSidecar } from "./sidecar.ts";

type ContainerEdit = (container: JsonObject) => JsonObject;

/** A member that is always the autopilot's own: nobody has to claim it. */
const ofContainer =
  (edit: ContainerEdit): Edit =>
  (draft) => {
    const container = edit(draft.container);
    return container === draft.container ? draft : { ...draft, container };
  };

/** How a member of an existing sidecar is brought to what it should be, and the drift that this is. */
interface Correction {
  readonly reason: DriftReason;
  readonly edit: (built: BuiltSidecar) => Edit;
}

const set =
  (key: string, value: Json): ContainerEdit =>
  (container) =>
    isSameJson(container[key] ?? null, value) ? container : { ...container, [key]: value };

const isToken = (entry: Json): boolean => isJsonObject(entry) && entry.name === BOOTSTRAP_TOKEN;

const withoutPlainToken: ContainerEdit = (container) => {
  const environment = listAt(container, "environment");
  const rest = environment.filter((entry) => !isToken(entry));
  return rest.length === environment.length ? container : { ...container, environment: rest };
};

/** Members that AWS may add to the entry tomorrow stay: otherwise they would be drift that never ends. */
const withSecret =
  ([token]: BuiltSidecar["secrets"]): ContainerEdit =>
  (container) => {
    const secrets = listAt(container, "secrets");
    const first = secrets.findIndex(isToken);
    if (first < 0) return { ...container, secrets: [...secrets, token] };
    const updated = secrets.flatMap((entry, index) => {
      if (!isJsonObject(entry) || !isToken(entry)) return [entry];
      return index === first ? [{ ...entry, ...token }] : [];
    });
    return set("secrets", updated)(container);
  };

const withHealthCheck =
  (healthCheck: BuiltSidecar["healthCheck"]): ContainerEdit =>
  (container) =>
    set("healthCheck", { ...objectAt(container, "healthCheck"), ...healthCheck })(container);

/**
 * For every member of the container that `ztunnelContainer` builds, in the order in which drift is reported: a new one
 * needs an entry here. One that is `kept` is set when the sidecar is added; afterwards it is its owner's.
 */
export const corrections = {
  name: "kept",
  image: { reason: "image", edit: ({ image }) => ofContainer(set("image", image)) },
  secrets: {
    reason: "token",
    edit: ({ secrets }) => ofContainer((container) => withSecret(secrets)(withoutPlainToken(container))),
  },
  healthCheck: { reason: "health-check", edit: ({ healthCheck }) => ofContainer(withHealthCheck(healthCheck)) },
  startTimeout: { reason: "health-check", edit: ({ startTimeout }) => ofContainer(set("startTimeout", startTimeout)) },
  logConfiguration: { reason: "log-configuration", edit: ({ logConfiguration }) => withLogs(logConfiguration) },
  // ECS takes a container that doesn't say so for an essential one.
  essential: {
    reason: "container-settings",
    edit: ({ essential }) =>
      ofContainer((container) => (container.essential === !essential ? { ...container, essential } : container)),
  },
  cpu: { reason: "container-settings", edit: ({ cpu }) => withSize("cpu", cpu) },
  memory: { reason: "container-settings", edit: ({ memory }) => withSize("memory", memory) },
  memoryReservation: {
    reason: "container-settings",
    edit: ({ memoryReservation, memory }) => withReservation(memoryReservation, memory),
  },
  environment: { reason: "container-settings", edit: ({ environment }) => withEnvironment(environment ?? []) },
  stopTimeout: { reason: "container-settings", edit: ({ stopTimeout }) => withSetting("stopTimeout", stopTimeout) },
  user: { reason: "container-settings", edit: ({ user }) => withSetting("user", user) },
  readonlyRootFilesystem: {
    reason: "container-settings",
    edit: ({ readonlyRootFilesystem }) => withSetting("readonlyRootFilesystem", readonlyRootFilesystem),
  },
  repositoryCredentials: {
    reason: "container-settings",
    edit: ({ repositoryCredentials }) => withSetting("repositoryCredentials", repositoryCredentials),
  },
  portMappings: "kept",
} as const satisfies Readonly<Record<keyof BuiltSidecar, Correction | "kept">>;

const SETTINGS = ["memory", "memoryReservation", "stopTimeout", "user", "readonlyRootFilesystem"] as const;

/** What the autopilot claims of a sidecar that it adds: the same that the corrections come to. */
export function claimsOfNew(built: BuiltSidecar): Claims {
  const { cpu, environment = [], repositoryCredentials, logConfiguration } = built;
  const claims = new Map(claimsOfVariables(environment));
  if (cpu > 0) claims.set("cpu", digestOf(cpu));
  for (const member of SETTINGS) {
    const value = built[member];
    if (value !== undefined) claims.set(member, digestOf(value));
  }
  if (repositoryCredentials !== undefined) claims.set("repositoryCredentials", digestOf(repositoryCredentials));
  if (logConfiguration !== undefined && !looksLikeOurs(logConfiguration)) {
    claims.set("logConfiguration", logConfiguration.logDriver);
  }
  return claims;
}
