import type { JsonObject } from "../../../base/json.ts";
import { isSet, objectAt, objectsAt, textAt, without } from "../../../base/json-fields.ts";
import { SECRET_NAME_PREFIX, ZTUNNEL } from "../../../base/vocabulary.ts";
import { isLogRouter } from "../../../model/task-definition.ts";
import { otherContainers, ztunnelOf } from "./containers.ts";

/** What the sidecar shall be like. */
export interface SidecarSpec {
  readonly image: string;
  /** The bootstrap token's secret, pinned to a version: `arn:…:secret:<name>-<suffix>:::<version id>`. */
  readonly secretValueFrom: string;
  /** Registered unchanged, as the configuration has it. */
  readonly healthCheckCommand: readonly string[];
  /** How long the others wait for ztunnel to get healthy; 2 to 120 on Fargate. */
  readonly startTimeoutSeconds: number;
  /** True: the application containers get the proxy environment. */
  readonly proxyEnv: boolean;
  /** What ztunnel reserves where the task has no memory size of its own, as only EC2 allows; in MiB, at least 6. */
  readonly memoryReservationMiB: number;
}

/** Name of the environment variable that ztunnel starts from. */
export const BOOTSTRAP_TOKEN = "BOOTSTRAP_TOKEN";

/** A task definition's sidecar, by kind. `plainTextToken` is a credential: never log it. */
export type Sidecar =
  | { readonly kind: "none" }
  /** Starts from one of our secrets. */
  | { readonly kind: "ours"; readonly image: string; readonly secretValueFrom: string }
  /** As `istioctl ecs add-service` makes it: adopted, the token goes into a secret. */
  | { readonly kind: "istioctl"; readonly image: string; readonly plainTextToken: string }
  /** Starts from a secret that somebody else made: adopted. */
  | { readonly kind: "by-hand"; readonly image: string; readonly secretValueFrom: string }
  /** Only has the name: left alone. */
  | { readonly kind: "foreign"; readonly why: string };

const isToken = (entry: JsonObject): boolean => textAt(entry, "name") === BOOTSTRAP_TOKEN;

function isOurSecret(valueFrom: string): boolean {
  const [arn, , service, , , type, name] = valueFrom.split(":");
  return (
    arn === "arn" && service === "secretsmanager" && type === "secret" && name?.startsWith(SECRET_NAME_PREFIX) === true
  );
}

/** The sidecar of a task definition, judged by the container called ztunnel and where its token comes from. */
export function findSidecar(definition: JsonObject): Sidecar {
  const container = ztunnelOf(definition);
  if (container === undefined) return { kind: "none" };
  const image = textAt(container, "image") ?? "";
  const plain = objectsAt(container, "environment").find(isToken);
  if (plain !== undefined) return { kind: "istioctl", image, plainTextToken: textAt(plain, "value") ?? "" };
  const secretValueFrom = objectsAt(container, "secrets")
    .filter(isToken)
    .map((secret) => textAt(secret, "valueFrom"))[0];
  if (secretValueFrom === undefined) {
    return { kind: "foreign", why: `container ${ZTUNNEL} (image ${image}) has no ${BOOTSTRAP_TOKEN}` };
  }
  return { kind: isOurSecret(secretValueFrom) ? "ours" : "by-hand", image, secretValueFrom };
}

/** How an application's log lines begin is not how ztunnel's do: these would glue its lines together. */
const LINE_FORMAT_OPTIONS = ["awslogs-datetime-format", "awslogs-multiline-pattern"];

/**
 * The log configuration that ztunnel takes over from the task: that of the first container with awslogs, a log router
 * only if no other has it, with a stream prefix of its own. `undefined` when no container has awslogs: through a log
 * router ztunnel doesn't log, since the router would then have to start before it.
 */
function derivedLogConfiguration(definition: JsonObject): JsonObject | undefined {
  const others = otherContainers(definition);
  const ordered = [...others.filter((container) => !isLogRouter(container)), ...others.filter(isLogRouter)];
  const source = ordered
    .map((container) => objectAt(container, "logConfiguration"))
    .find((configuration) => textAt(configuration, "logDriver") === "awslogs");
  if (source === undefined) return undefined;
  const options = LINE_FORMAT_OPTIONS.reduce(without, objectAt(source, "options"));
  return { logDriver: "awslogs", options: { ...options, "awslogs-stream-prefix": ZTUNNEL } };
}

/**
 * The sidecar's desired container in a definition; also in one that has a sidecar, which `corrections` bring to
 * it. CPU 0: it takes nothing from a task that is full already. A memory reservation only where the task has no memory
 * size, as ECS then wants a limit or a reservation of every container; elsewhere ztunnel lives on what the others
 * leave. The health check's numbers are those of Solo's guide, in seconds and tries.
 */
export function ztunnelContainer(spec: SidecarSpec, definition: JsonObject) {
  const logConfiguration = derivedLogConfiguration(definition);
  return {
    name: ZTUNNEL,
    image: spec.image,
    cpu: 0,
    ...(!isSet(definition, "memory") && { memoryReservation: spec.memoryReservationMiB }),
    portMappings: [],
    essential: true,
    secrets: [{ name: BOOTSTRAP_TOKEN, valueFrom: spec.secretValueFrom }] as const,
    startTimeout: spec.startTimeoutSeconds,
    ...(logConfiguration !== undefined && { logConfiguration }),
    healthCheck: { command: [...spec.healthCheckCommand], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
  };
}

/** What the autopilot makes of the sidecar's container. */
export type BuiltSidecar = ReturnType<typeof ztunnelContainer>;
