import { registrationProblems } from "@ztunnel-autopilot/simulator";
import fc from "fast-check";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import type { SidecarMembers, SidecarSpec } from "../../shared/data-plane/ztunnel/task-definition/sidecar.ts";

const MIB_PER_GB = 1024;

const gigabytes = (first: number, last: number, step: number): readonly number[] =>
  Array.from({ length: (last - first) / step + 1 }, (_, index) => (first + index * step) * MIB_PER_GB);

/** CPU units → memory in MiB that Fargate offers for it (ECS developer guide, fargate-tasks-services). */
const fargateSizes: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, gigabytes(1, 4, 1)],
  [1024, gigabytes(2, 8, 1)],
  [2048, gigabytes(4, 16, 1)],
  [4096, gigabytes(8, 30, 1)],
  [8192, gigabytes(16, 60, 4)],
  [16384, gigabytes(32, 120, 8)],
  [32768, [60, 120, 244].map((size) => size * MIB_PER_GB)],
]);

type Arbitrary<T> = fc.Arbitrary<T>;
type Fields = Readonly<Record<string, Arbitrary<unknown>>>;

/** As JSON has it: no -0, no undefined, plain objects. */
function asJson(value: unknown): Json {
  const json: Json = JSON.parse(JSON.stringify(value));
  return json;
}

function asObject(value: unknown): JsonObject {
  const json = asJson(value);
  if (!isJsonObject(json)) throw new Error("not an object");
  return json;
}

/** An object with any of the optional fields, in any order. */
function shuffled(required: Fields, optional: Fields): Arbitrary<JsonObject> {
  const fields = { ...required, ...optional };
  return fc
    .tuple(
      fc.record(fields, { requiredKeys: Object.keys(required) }),
      fc.shuffledSubarray(Object.keys(fields), { minLength: Object.keys(fields).length }),
    )
    .map(([record, order]) => {
      const entries = new Map(Object.entries(asObject(record)));
      return Object.fromEntries(order.flatMap((key) => (entries.has(key) ? [[key, entries.get(key) ?? null]] : [])));
    });
}

const text = fc.string({ maxLength: 8 });
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
const seconds = fc.integer({ min: 2, max: 120 });
const pairs = (name: Arbitrary<string>, value: Arbitrary<string>) =>
  fc.uniqueArray(fc.record({ name, value }), { selector: (entry) => entry.name, maxLength: 4 });
/** ECS describes an empty list, a request leaves it out, a generated file may have null. */
const list = <T>(item: Arbitrary<T>): Arbitrary<readonly T[] | null> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom([], null) },
    { weight: 3, arbitrary: fc.array(item, { maxLength: 3 }) },
  );
const dictionary = fc.dictionary(word, text, { maxKeys: 3 });
const unknownFields: Fields = { futureField: fc.jsonValue({ maxDepth: 2 }), zzz: fc.jsonValue({ maxDepth: 1 }) };

const variable = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom("ALL_PROXY", "NO_PROXY", "all_proxy", "BOOTSTRAP_TOKEN") },
  { weight: 3, arbitrary: fc.stringMatching(/^[A-Z]{1,4}$/) },
);
const variableValue = fc.oneof(
  fc.constantFrom("socks5h://127.0.0.1:15080", "169.254.170.2,169.254.169.254,localhost,127.0.0.1"),
  text,
);

const awslogs = fc.record({
  logDriver: fc.constant("awslogs"),
  options: fc.record(
    {
      "awslogs-group": word,
      "awslogs-region": fc.constantFrom("us-east-1", "eu-west-1"),
      "awslogs-stream-prefix": word,
      "awslogs-multiline-pattern": text,
      mode: fc.constantFrom("non-blocking", "blocking"),
    },
    { requiredKeys: ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"] },
  ),
});

const healthCheck = fc.record(
  {
    command: fc.constant(["CMD-SHELL", "true"]),
    interval: fc.integer({ min: 5, max: 300 }),
    timeout: fc.integer({ min: 2, max: 60 }),
    retries: fc.integer({ min: 1, max: 10 }),
    startPeriod: fc.integer({ min: 0, max: 300 }),
  },
  { requiredKeys: ["command"] },
);

/** Fields that a container may have on Fargate and on EC2 alike. */
const containerFields: Fields = {
  repositoryCredentials: fc.record({ credentialsParameter: text }),
  restartPolicy: fc.record({ enabled: fc.boolean(), ignoredExitCodes: fc.array(fc.nat(255), { maxLength: 2 }) }),
  entryPoint: list(text),
  command: list(text),
  environmentFiles: list(fc.record({ value: text, type: fc.constant("s3") })),
  stopTimeout: seconds,
  startTimeout: seconds,
  versionConsistency: fc.constantFrom("enabled", "disabled"),
  user: text,
  workingDirectory: text,
  readonlyRootFilesystem: fc.boolean(),
  interactive: fc.boolean(),
  pseudoTerminal: fc.boolean(),
  dockerLabels: dictionary,
  ulimits: list(fc.record({ name: fc.constant("nofile"), softLimit: fc.nat(100), hardLimit: fc.constant(100) })),
  healthCheck,
  systemControls: list(fc.record({ namespace: text, value: text })),
  credentialSpecs: list(text),
  mountPoints: list(fc.record({ sourceVolume: fc.constant("data"), containerPath: text, readOnly: fc.boolean() })),
};

const linux = { initProcessEnabled: fc.boolean() };
const fargateContainerFields: Fields = {
  linuxParameters: fc.record({
    ...linux,
    capabilities: fc.record({ add: fc.constantFrom([], ["SYS_PTRACE"]), drop: list(fc.constant("ALL")) }),
  }),
};
const ec2ContainerFields: Fields = {
  linuxParameters: fc.record({
    ...linux,
    devices: list(fc.record({ hostPath: text })),
    sharedMemorySize: fc.nat(100),
    tmpfs: list(fc.record({ containerPath: text, size: fc.nat(100) })),
    maxSwap: fc.nat(100),
    swappiness: fc.nat(100),
  }),
  disableNetworking: fc.boolean(),
  privileged: fc.boolean(),
  dnsServers: list(text),
  dnsSearchDomains: list(text),
  extraHosts: list(fc.record({ hostname: text, ipAddress: text })),
  dockerSecurityOptions: list(text),
  resourceRequirements: list(fc.record({ value: fc.constant("1"), type: fc.constant("GPU") })),
};

const volume = shuffled(
  { name: fc.constant("data") },
  {
    efsVolumeConfiguration: fc.record({ fileSystemId: text, transitEncryption: fc.constant("ENABLED") }),
    s3filesVolumeConfiguration: fc.record({ fileSystemArn: text }),
    fsxWindowsFileServerVolumeConfiguration: fc.record({ fileSystemId: text, rootDirectory: text }),
    configuredAtLaunch: fc.boolean(),
    ...unknownFields,
  },
);
const ec2Volume = shuffled(
  { name: fc.constant("data") },
  {
    host: fc.record({ sourcePath: text }),
    dockerVolumeConfiguration: fc.record({ scope: fc.constant("task"), driverOpts: dictionary, labels: dictionary }),
    ...unknownFields,
  },
);

const taskFields: Fields = {
  taskRoleArn: fc.constant("arn:aws:iam::123456789012:role/task"),
  proxyConfiguration: fc.record({
    type: fc.constant("APPMESH"),
    containerName: word,
    properties: list(fc.record({ name: text, value: text })),
  }),
  ephemeralStorage: fc.record({ sizeInGiB: fc.integer({ min: 21, max: 200 }) }),
  runtimePlatform: fc.record({ cpuArchitecture: fc.constant("ARM64"), operatingSystemFamily: fc.constant("LINUX") }),
  enableFaultInjection: fc.boolean(),
  inferenceAccelerators: list(fc.record({ deviceName: text, deviceType: text })),
  tags: fc.uniqueArray(fc.record({ key: word, value: text }), { selector: (tag) => tag.key, maxLength: 3 }),
  pidMode: fc.constant("task"),
  ...unknownFields,
};
const ec2TaskFields: Fields = {
  requiresCompatibilities: fc.constantFrom(["EC2"], ["EC2", "EXTERNAL"], ["MANAGED_INSTANCES"], []),
  ipcMode: fc.constantFrom("host", "task", "none"),
  placementConstraints: list(fc.record({ type: fc.constant("memberOf"), expression: text })),
};

type Launch = "FARGATE" | "EC2";

interface Shape {
  readonly launch: Launch;
  readonly networkMode: string | undefined;
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly names: readonly string[];
  readonly router: boolean;
}

const name = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/) },
  { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "Ztunnel", "7") },
);

const shape: Arbitrary<Shape> = fc
  .constantFrom<Launch>("FARGATE", "EC2")
  .chain((launch) => {
    const sizes = [...fargateSizes].flatMap(([cpu, memories]) => memories.map((memory) => [cpu, memory] as const));
    const none = [undefined, undefined] as const;
    return fc.record({
      launch: fc.constant(launch),
      networkMode:
        launch === "FARGATE" ? fc.constant("awsvpc") : fc.constantFrom("awsvpc", "bridge", "host", "none", undefined),
      size: launch === "FARGATE" ? fc.constantFrom(...sizes) : fc.constantFrom(none, none, ...sizes.slice(0, 3)),
      names: fc.uniqueArray(name, { minLength: 1, maxLength: 10 }),
      router: fc.boolean(),
    });
  })
  .map(({ size: [cpu, memory], ...rest }) => ({ ...rest, cpu, memory }));

function sizeFields({ memory, cpu, names }: Shape): Arbitrary<JsonObject> {
  const share = Math.floor((memory ?? 2560) / names.length);
  const sizes = fc.constantFrom<JsonObject>(
    { memory: share },
    { memoryReservation: 6 },
    { memory: share, memoryReservation: 6 },
  );
  const cpus = fc.constantFrom<JsonObject>({}, { cpu: 0 }, { cpu: Math.floor((cpu ?? 1024) / names.length) });
  const memories = memory === undefined ? sizes : fc.oneof(sizes, fc.constant<JsonObject>({}));
  return fc.tuple(cpus, memories).map(([one, other]) => ({ ...one, ...other }));
}

function logFields(shape: Shape, index: number): Arbitrary<JsonObject> {
  const secretOptions = list(fc.record({ name: text, valueFrom: text }));
  const firelens = fc.record({
    logDriver: fc.constant("awsfirelens"),
    options: fc.constant({ Name: "http" }),
    secretOptions,
  });
  const any = shape.router && index > 0 ? fc.oneof(awslogs, firelens) : awslogs;
  const logs = fc.oneof(
    any.map((logConfiguration) => asObject({ logConfiguration })),
    fc.constant<JsonObject>({}),
  );
  const config = { firelensConfiguration: { type: "fluentbit" } };
  return shape.router && index === 0 ? logs.map((fields) => ({ ...fields, ...config })) : logs;
}

const portMapping = (networkMode: string | undefined) =>
  fc.integer({ min: 1, max: 65535 }).chain((containerPort) =>
    fc.record(
      {
        containerPort: fc.constant(containerPort),
        hostPort: networkMode === "bridge" ? fc.nat(65535) : fc.constant(containerPort),
        protocol: fc.constantFrom("tcp", "udp"),
        name: word,
        appProtocol: fc.constantFrom("http", "grpc"),
      },
      { requiredKeys: ["containerPort"] },
    ),
  );

const variables = fc
  .tuple(
    pairs(variable, variableValue),
    fc.uniqueArray(variable, { maxLength: 2 }),
    fc.constantFrom("list", "list", "absent", "null"),
  )
  .map(([environment, secretNames, state]): JsonObject => {
    const secrets = secretNames
      .filter((one) => state !== "list" || environment.every((entry) => entry.name !== one))
      .map((one) => ({ name: one, valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/x" }));
    const base = secrets.length > 0 ? { secrets } : {};
    if (state === "absent") return base;
    return { ...base, environment: state === "null" ? null : asJson(environment) };
  });

/** What the containers before a container allow it to wait for: so there are no cycles. */
function dependencies(before: readonly JsonObject[], bridge: boolean): Arbitrary<JsonObject> {
  const none = fc.constantFrom<JsonObject>({}, {}, { dependsOn: [] }, { dependsOn: null }, { volumesFrom: [] });
  if (before.length === 0) return none;
  const target = fc.constantFrom(...before);
  const entry = target.chain((container) => {
    const conditions = ["START"];
    if (container.healthCheck !== undefined) conditions.push("HEALTHY");
    if (container.essential === false) conditions.push("SUCCESS", "COMPLETE");
    return fc.record({ containerName: fc.constant(container.name), condition: fc.constantFrom(...conditions) });
  });
  return fc.oneof(
    none,
    fc.array(entry, { minLength: 1, maxLength: 2 }).map((dependsOn) => asObject({ dependsOn })),
    target.map(({ name: source }) => asObject({ volumesFrom: [{ sourceContainer: source, readOnly: true }] })),
    bridge ? target.map(({ name: link }) => asObject({ links: [`${link}:alias`] })) : none,
  );
}

function container(shape: Shape, index: number, before: readonly JsonObject[]): Arbitrary<JsonObject> {
  const last = index === shape.names.length - 1;
  const fields = shape.launch === "FARGATE" ? fargateContainerFields : ec2ContainerFields;
  const bridge = shape.networkMode === "bridge" || shape.networkMode === undefined;
  const ports = shape.networkMode === "none" ? fc.constantFrom([], null) : list(portMapping(shape.networkMode));
  return fc
    .tuple(
      shuffled(
        { name: fc.constant(shape.names[index]), image: fc.constantFrom("web:1", "public.ecr.aws/x/y@sha256:1") },
        {
          ...containerFields,
          ...fields,
          ...unknownFields,
          essential: fc.constantFrom(...(last ? [true] : [true, false, false])),
          portMappings: ports,
          ...(bridge && { hostname: word }),
        },
      ),
      sizeFields(shape),
      logFields(shape, index),
      variables,
      shape.router && index === 0 ? fc.constant<JsonObject>({}) : dependencies(before, bridge),
    )
    .map((parts) => asObject(Object.assign({}, ...parts)));
}

function containers(shape: Shape): Arbitrary<readonly JsonObject[]> {
  const all = fc.constant<readonly JsonObject[]>([]);
  return shape.names.reduce<Arbitrary<readonly JsonObject[]>>(
    (built, _name, index) => built.chain((before) => container(shape, index, before).map((next) => [...before, next])),
    all,
  );
}

/**
 * Task definitions without a sidecar, as RegisterTaskDefinition takes them: on Fargate and EC2, with every field of the
 * SDK's types and some that it doesn't know, in any order. Up to ten containers, with an execution role.
 */
export function taskDefinition(): Arbitrary<JsonObject> {
  return shape
    .chain((one) =>
      containers(one).chain((containerDefinitions) =>
        shuffled(
          {
            family: word,
            containerDefinitions: fc.constant(containerDefinitions),
            executionRoleArn: fc.constant("arn:aws:iam::123456789012:role/execution"),
            volumes: fc.tuple(one.launch === "EC2" ? fc.oneof(volume, ec2Volume) : volume),
            ...(one.networkMode !== undefined && { networkMode: fc.constant(one.networkMode) }),
            ...(one.launch === "FARGATE" && {
              requiresCompatibilities: fc.constantFrom(["FARGATE"], ["EC2", "FARGATE"]),
            }),
            ...(one.cpu !== undefined && { cpu: fc.constantFrom(`${one.cpu}`, `${one.cpu / 1024} vCPU`) }),
            ...(one.memory !== undefined && { memory: fc.constantFrom(`${one.memory}`, `${one.memory / 1024}GB`) }),
          },
          { ...taskFields, ...(one.launch === "EC2" && ec2TaskFields) },
        ),
      ),
    )
    .filter((definition) => registrationProblems(definition).length === 0);
}

/** Settings that a configuration may leave out. */
const settings: Arbitrary<SidecarMembers> = fc.record(
  {
    cpu: fc.constantFrom(0, 64, 128),
    memoryMiB: fc.constantFrom(256, 300),
    user: fc.constantFrom("1000", "2000"),
    readonlyRootFilesystem: fc.boolean(),
    stopTimeoutSeconds: seconds,
    environment: fc.dictionary(fc.constantFrom("RUST_LOG", "A", "Z"), fc.constantFrom("info", "debug"), {
      noNullPrototype: true,
    }),
    repositoryCredentials: fc.constantFrom({ credentialsParameter: "a" }, { credentialsParameter: "b" }),
    logs: fc.constantFrom({}, { "us-east-1": "/ecs/ztunnel" }, { "eu-west-1": "/ecs/ztunnel" }),
  },
  { requiredKeys: [] },
);

const required = fc.record({
  image: fc.constantFrom("registry.example.com/ztunnel:1.28.0", "registry.example.com/ztunnel:1.29.1"),
  secretValueFrom: fc
    .constantFrom("a", "b")
    .map(
      (digit) =>
        `arn:aws:secretsmanager:us-east-1:123456789012:secret:ztunnel-autopilot/mesh/web/web-AbCdEf:::${digit.repeat(64)}`,
    ),
  healthCheckCommand: fc.constantFrom(["ztunnel", "healthcheck"], ["CMD", "ztunnel", "healthcheck"]),
  startTimeoutSeconds: seconds,
  proxyEnv: fc.boolean(),
  memoryReservationMiB: fc.integer({ min: 6, max: 256 }),
});

/** Sidecars as a configuration may ask for them. */
export function spec(): Arbitrary<SidecarSpec> {
  return fc.tuple(required, settings).map((parts) => ({ ...parts[0], ...parts[1] }));
}
