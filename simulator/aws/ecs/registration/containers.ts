import { type ContainerRequest, networkModeOf, type Problems, type RegistrationRequest } from "./request.ts";

/** What ECS refuses in one container on every launch type, apart from its memory and its place in the start order. */
export function* containerProblems(container: ContainerRequest, request: RegistrationRequest): Problems {
  if (!container.image) yield "Container.image should not be null or empty.";
  yield* networkProblems(container, networkModeOf(request));
  yield* variableProblems(container);
  yield* healthCheckProblems(container);
  yield* logProblems(container);
  yield* restartProblems(container);
  const volumes = new Set(request.volumes.map(({ name }) => name));
  for (const { sourceVolume } of container.mountPoints)
    if (sourceVolume !== undefined && !volumes.has(sourceVolume)) yield `Unknown volume '${sourceVolume}'.`;
}

/**
 * ContainerDefinition: `links`, `hostname`, `extraHosts` and `portMappings` each name the network modes that take them.
 */
function* networkProblems(container: ContainerRequest, networkMode: string): Problems {
  if (container.links.length > 0 && networkMode !== "bridge")
    yield `Links are not supported when networkMode=${networkMode}.`;
  if (networkMode === "awsvpc" && container.hostname !== undefined)
    yield "hostname is not supported on container when networkMode=awsvpc.";
  if (networkMode === "awsvpc" && container.extraHosts.length > 0)
    yield "Extra hosts are not supported when networkMode=awsvpc.";
  if (networkMode === "none" && container.portMappings.length > 0)
    yield "Port mappings are not supported when networkMode=none.";
  for (const mapping of container.portMappings) yield* portProblems(mapping, container.name ?? "", networkMode);
}

const MAX_PORT = 65_535;
/** Up to 64 lower-case letters, numbers, underscores and hyphens, no hyphen first (PortMapping, `name`). */
const PORT_NAME = /^[a-z0-9_][a-z0-9_-]{0,63}$/;

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html */
function* portProblems(
  mapping: ContainerRequest["portMappings"][number],
  container: string,
  networkMode: string,
): Problems {
  const { containerPort, hostPort, containerPortRange, name } = mapping;
  if (containerPortRange !== undefined) {
    const [first = 0, last = 0] = containerPortRange.split("-").map(Number);
    if (!/^\d+-\d+$/.test(containerPortRange) || first < 1 || first >= last || last > MAX_PORT)
      yield `Invalid 'containerPortRange' setting for container '${container}'.`;
    if (networkMode === "host") yield "Port ranges are not supported when networkMode=host.";
  } else if (containerPort === undefined || containerPort < 1 || containerPort > MAX_PORT)
    yield `Invalid 'containerPort' setting for container '${container}'.`;
  if (hostPort !== undefined && (hostPort < 0 || hostPort > MAX_PORT))
    yield `Invalid 'hostPort' setting for container '${container}'.`;
  // A host port of 0 is none.
  if ((networkMode === "awsvpc" || networkMode === "host") && hostPort && hostPort !== containerPort)
    yield `When networkMode=${networkMode}, the host ports and container ports in port mappings must match.`;
  if (name !== undefined && !PORT_NAME.test(name)) yield `Invalid port mapping name '${name}'.`;
}

function* variableProblems({ environment, secrets }: ContainerRequest): Problems {
  const taken = new Set(environment.map(({ name }) => name));
  for (const { name = "", valueFrom } of secrets) {
    if (taken.has(name))
      yield `The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '${name}'.`;
    taken.add(name);
    if (!valueFrom) yield `The secret '${name}' needs a 'valueFrom'.`;
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html */
const HEALTH_CHECK_RANGES = {
  interval: [5, 300],
  timeout: [2, 60],
  retries: [1, 10],
  startPeriod: [0, 300],
} as const;

/**
 * The reference says that a command must start with CMD or CMD-SHELL. ECS also registers commands that don't, and they
 * work (aws/aws-cdk, issue 34389): that is not refused here.
 */
function* healthCheckProblems({ name = "", healthCheck }: ContainerRequest): Problems {
  if (!healthCheck) return;
  if (healthCheck.command.length === 0) yield `The health check of container '${name}' has no command.`;
  for (const key of ["interval", "timeout", "retries", "startPeriod"] as const) {
    const [min, max] = HEALTH_CHECK_RANGES[key];
    const value = healthCheck[key] ?? min;
    if (value < min || value > max)
      yield `Invalid '${key}' in the health check of container '${name}': it takes ${min} to ${max}.`;
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html */
function* logProblems({ logConfiguration }: ContainerRequest): Problems {
  if (logConfiguration?.logDriver !== "awslogs") return;
  const { options = {} } = logConfiguration;
  if (options["awslogs-region"] === undefined || options["awslogs-group"] === undefined)
    yield "Log driver awslogs requires options: awslogs-region, awslogs-group.";
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html */
function* restartProblems({ name = "", restartPolicy }: ContainerRequest): Problems {
  if (!restartPolicy) return;
  if (restartPolicy.ignoredExitCodes.length > 50)
    yield `The restart policy of container '${name}' ignores more than 50 exit codes.`;
  const { restartAttemptPeriod: seconds = 300 } = restartPolicy;
  if (seconds < 60 || seconds > 1800)
    yield `Invalid 'restartAttemptPeriod' for container '${name}': it takes 60 to 1800 seconds.`;
}
