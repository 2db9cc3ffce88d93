import { type ContainerRequest, networkModeOf, type Problems, type RegistrationRequest } from "./request.ts";

/**
 * What ECS refuses in a definition that requires Fargate, beside its size.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
 */
export function* fargateProblems(request: RegistrationRequest): Problems {
  if (networkModeOf(request) !== "awsvpc") yield "Fargate only supports network mode 'awsvpc'.";
  if (request.ipcMode !== undefined) yield "Tasks using the Fargate launch type do not support ipcMode.";
  if (request.pidMode !== undefined && request.pidMode !== "task") yield unsupported(`pidMode ${request.pidMode}`);
  if (request.placementConstraints.length > 0) yield unsupported("constraints");
  for (const { host, dockerVolumeConfiguration } of request.volumes) {
    if (host?.sourcePath !== undefined) yield unsupported("sourcePath");
    if (dockerVolumeConfiguration) yield unsupported("dockerVolumeConfiguration");
  }
  const { sizeInGiB = 21 } = request.ephemeralStorage ?? {};
  if (sizeInGiB < 21 || sizeInGiB > 200) yield "Ephemeral storage takes 21 to 200 GiB.";
  for (const container of request.containerDefinitions) {
    yield* unsupportedFields(container);
    yield* linuxProblems(container);
    yield* timeoutProblems(container);
    yield* logProblems(container, request.executionRoleArn);
  }
}

function unsupported(field: string): string {
  return `Fargate compatible task definitions do not support ${field}.`;
}

function* unsupportedFields(container: ContainerRequest): Problems {
  for (const field of ["links", "dnsServers", "dnsSearchDomains", "extraHosts", "dockerSecurityOptions"] as const)
    if (container[field].length > 0) yield unsupported(field);
  for (const field of ["privileged", "disableNetworking"] as const) if (container[field]) yield unsupported(field);
  if (container.resourceRequirements.some(({ type }) => type === "GPU")) yield unsupported("GPU");
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html, API_KernelCapabilities.html */
function* linuxProblems({ linuxParameters }: ContainerRequest): Problems {
  if (!linuxParameters) return;
  for (const field of ["devices", "tmpfs"] as const) if (linuxParameters[field].length > 0) yield unsupported(field);
  for (const field of ["sharedMemorySize", "maxSwap", "swappiness"] as const)
    if (linuxParameters[field] !== undefined) yield unsupported(field);
  for (const capability of linuxParameters.capabilities?.add ?? [])
    if (capability !== "SYS_PTRACE") yield `Fargate only supports adding the capability SYS_PTRACE, not ${capability}.`;
}

/** "The valid values for Fargate are 2-120 seconds" (ContainerDefinition, `startTimeout` and `stopTimeout`). */
function* timeoutProblems(container: ContainerRequest): Problems {
  for (const field of ["startTimeout", "stopTimeout"] as const) {
    const { [field]: seconds = 2 } = container;
    if (seconds < 2 || seconds > 120)
      yield `Invalid '${field}' for container '${container.name ?? ""}': Fargate takes 2 to 120 seconds.`;
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html */
const LOG_DRIVERS = new Set(["awslogs", "splunk", "awsfirelens"]);

function* logProblems({ logConfiguration }: ContainerRequest, executionRoleArn: string | undefined): Problems {
  const { logDriver, options = {} } = logConfiguration ?? {};
  if (logDriver === undefined) return;
  if (!LOG_DRIVERS.has(logDriver)) yield unsupported(`log driver ${logDriver}`);
  if (logDriver !== "awslogs") return;
  if (options["awslogs-stream-prefix"] === undefined)
    yield "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.";
  if (executionRoleArn === undefined)
    yield "Fargate requires task definition to have execution role ARN to support log driver awslogs.";
}
