import type { JsonObject } from "../../../base/json.ts";
import { isSet, numberAt, objectsAt, textAt, textsAt } from "../../../base/json-fields.ts";
import { ANY_STAGE_PREFIX, ZTUNNEL } from "../../../base/vocabulary.ts";
import { otherContainers, ztunnelOf } from "./containers.ts";
import { type LogGroups, sidecarLogs } from "./logs.ts";
import { taskCpuUnits, taskMemoryMiB } from "./sizes.ts";

/** Members of ECS's ContainerDefinition that the configuration may set, and a place for logs. */
export interface SidecarMembers {
  /** CPU units, as far as the task has them left; 0 when left out. */
  readonly cpu?: number | undefined;
  /** A hard limit, in MiB, where the task has room for it. */
  readonly memoryMiB?: number | undefined;
  readonly user?: string | undefined;
  readonly readonlyRootFilesystem?: boolean | undefined;
  readonly stopTimeoutSeconds?: number | undefined;
  /** Variables, without the bootstrap token. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly repositoryCredentials?: { readonly credentialsParameter: string } | undefined;
  /** Where ztunnel logs in a task that has no log for it. */
  readonly logs?: LogGroups | undefined;
}

/** What the sidecar shall be like. */
export interface SidecarSpec extends SidecarMembers {
  readonly image: string;
  /** The bootstrap token's secret, pinned to a version: `arn:…:secret:<name>-<suffix>:::<version id>`. */
  readonly secretValueFrom: string;
  /** As the configuration has it. See `healthCommand` for where `CMD` is put before it. */
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
  /** Starts from a secret that an autopilot has written, of whichever stage: `stagePrefixOf` its name says which. */
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
    arn === "arn" &&
    service === "secretsmanager" &&
    type === "secret" &&
    name !== undefined &&
    ANY_STAGE_PREFIX.test(name)
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

/** The first words that docker knows of a health check's command. */
const HEALTH_COMMANDS: readonly string[] = ["CMD", "CMD-SHELL", "NONE"];

/**
 * The health check's command for the definition. Fargate runs a command as it is, as Solo's guide has it. On an
 * instance, the ECS agent hands it to docker, which ignores one that doesn't begin with a word it knows: then ztunnel
 * would never be healthy (moby, `daemon/health.go`).
 */
function healthCommand(command: readonly string[], definition: JsonObject): readonly string[] {
  const compatibilities = textsAt(definition, "requiresCompatibilities");
  const isFargateAlone = compatibilities.length > 0 && compatibilities.every((one) => one === "FARGATE");
  return isFargateAlone || HEALTH_COMMANDS.some((word) => word === command[0]) ? [...command] : ["CMD", ...command];
}

const sum = (containers: readonly JsonObject[], of: (container: JsonObject) => number | undefined): number =>
  containers.reduce((total, container) => total + (of(container) ?? 0), 0);

/** ECS refuses containers that take more CPU together than the task has: ztunnel gets what they leave of its share. */
function fittingCpu(units: number, definition: JsonObject): number {
  const size = taskCpuUnits(definition) ?? Infinity;
  return Math.max(0, Math.min(units, size - sum(otherContainers(definition), (one) => numberAt(one, "cpu"))));
}

/**
 * The limit, unless ECS would refuse it: of every container it counts the reservation, else the limit, and together
 * these may not exceed the task's memory.
 */
function fittingLimit(limitMiB: number | undefined, definition: JsonObject): number | undefined {
  const size = taskMemoryMiB(definition) ?? Infinity;
  const taken = sum(
    otherContainers(definition),
    (one) => numberAt(one, "memoryReservation") ?? numberAt(one, "memory"),
  );
  return limitMiB !== undefined && limitMiB <= size - taken ? limitMiB : undefined;
}

/**
 * The sidecar's desired container in a definition; also in one that has a sidecar, which `corrections` bring to
 * it. CPU 0, if nothing else is configured: it takes nothing from a task that is full already. A memory reservation
 * only where the task has no memory size, as ECS then wants a limit or a reservation of every container; elsewhere
 * ztunnel lives on what the others leave. The health check's numbers are those of Solo's guide, in seconds and tries.
 */
export function ztunnelContainer(spec: SidecarSpec, definition: JsonObject) {
  const logConfiguration = sidecarLogs(definition, spec.logs ?? {}, spec.secretValueFrom.split(":")[3]);
  const memory = fittingLimit(spec.memoryMiB, definition);
  const { cpu = 0, user, readonlyRootFilesystem, stopTimeoutSeconds: stopTimeout, repositoryCredentials } = spec;
  const environment = Object.entries(spec.environment ?? {})
    .sort()
    .map(([name, value]) => ({ name, value }));
  return {
    name: ZTUNNEL,
    image: spec.image,
    cpu: fittingCpu(cpu, definition),
    ...(memory !== undefined && { memory }),
    ...(!isSet(definition, "memory") && { memoryReservation: spec.memoryReservationMiB }),
    portMappings: [],
    essential: true,
    ...(environment.length > 0 && { environment }),
    secrets: [{ name: BOOTSTRAP_TOKEN, valueFrom: spec.secretValueFrom }] as const,
    startTimeout: spec.startTimeoutSeconds,
    ...(stopTimeout !== undefined && { stopTimeout }),
    ...(user !== undefined && { user }),
    ...(readonlyRootFilesystem !== undefined && { readonlyRootFilesystem }),
    ...(repositoryCredentials !== undefined && { repositoryCredentials: { ...repositoryCredentials } }),
    ...(logConfiguration !== undefined && { logConfiguration }),
    healthCheck: {
      command: healthCommand(spec.healthCheckCommand, definition),
      interval: 5,
      timeout: 5,
      retries: 3,
      startPeriod: 10,
    },
  };
}

/** What the autopilot makes of the sidecar's container. */
export type BuiltSidecar = ReturnType<typeof ztunnelContainer>;
