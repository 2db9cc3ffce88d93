import {
  isSet,
  listAt,
  nameOf,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
} from "../../../shared/data-plane/ztunnel/task-definition/fields.ts";
import type { JsonObject } from "../../json.ts";

/** HealthCheck's ranges, in seconds and tries. */
const HEALTH_CHECK_RANGES: readonly (readonly [string, number, number])[] = [
  ["interval", 5, 300],
  ["timeout", 2, 60],
  ["retries", 1, 10],
  ["startPeriod", 0, 300],
];

function healthCheckProblems(container: JsonObject): readonly string[] {
  if (!isSet(container, "healthCheck")) return [];
  const check = objectAt(container, "healthCheck");
  const where = `health check of container '${nameOf(container)}'`;
  return [
    ...(listAt(check, "command").length === 0 ? [`The ${where} has no command.`] : []),
    ...HEALTH_CHECK_RANGES.flatMap(([key, min, max]) => {
      const value = numberAt(check, key);
      return value !== undefined && (value < min || value > max)
        ? [`Invalid '${key}' in the ${where}: it takes ${min} to ${max}.`]
        : [];
    }),
  ];
}

function portProblems(container: JsonObject, networkMode: string): readonly string[] {
  const mappings = objectsAt(container, "portMappings");
  if (networkMode === "none" && mappings.length > 0) {
    return ["Port mappings are not supported when networkMode=none."];
  }
  const sharesPorts = networkMode === "awsvpc" || networkMode === "host";
  return mappings.flatMap((mapping) => {
    const port = numberAt(mapping, "containerPort");
    const hostPort = numberAt(mapping, "hostPort");
    const range = isSet(mapping, "containerPortRange");
    return [
      ...(sharesPorts && hostPort !== undefined && hostPort !== 0 && hostPort !== port
        ? [`When networkMode=${networkMode}, the host ports and container ports in port mappings must match.`]
        : []),
      ...(port === undefined && !range ? ["A port mapping needs a containerPort or a containerPortRange."] : []),
      ...(port !== undefined && (port < 1 || port > 65_535) ? [`Invalid container port ${port}.`] : []),
    ];
  });
}

function networkProblems(container: JsonObject, networkMode: string): readonly string[] {
  const linked = listAt(container, "links").length > 0;
  const named = isSet(container, "hostname");
  return [
    ...(networkMode !== "bridge" && linked ? [`Links are not supported when networkMode=${networkMode}.`] : []),
    ...(networkMode === "awsvpc" && named ? ["hostname is not supported on container when networkMode=awsvpc."] : []),
    ...portProblems(container, networkMode),
  ];
}

function variableProblems(container: JsonObject): readonly string[] {
  const namesIn = (key: string): readonly string[] =>
    objectsAt(container, key).map((entry) => textAt(entry, "name") ?? "");
  const secrets = namesIn("secrets");
  const taken = secrets.filter((name, index) => namesIn("environment").includes(name) || secrets.indexOf(name) < index);
  const sourceless = objectsAt(container, "secrets").some((secret) => (textAt(secret, "valueFrom") ?? "") === "");
  return [
    ...taken.map(
      (name) =>
        `The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '${name}'.`,
    ),
    ...(sourceless ? ["A secret needs a valueFrom."] : []),
  ];
}

function logProblems(container: JsonObject): readonly string[] {
  const configuration = objectAt(container, "logConfiguration");
  const options = objectAt(configuration, "options");
  const missing = ["awslogs-region", "awslogs-group"].some((option) => !isSet(options, option));
  return textAt(configuration, "logDriver") === "awslogs" && missing
    ? ["Log driver awslogs requires options: awslogs-region, awslogs-group."]
    : [];
}

function volumeProblems(container: JsonObject, definition: JsonObject): readonly string[] {
  const volumes = objectsAt(definition, "volumes").map((volume) => textAt(volume, "name"));
  return objectsAt(container, "mountPoints")
    .map((mount) => textAt(mount, "sourceVolume"))
    .filter((name) => name !== undefined && !volumes.includes(name))
    .map((name) => `Unknown volume '${name}'.`);
}

/** A hard limit of -1 is none. */
function exceedsHardLimit(limit: JsonObject): boolean {
  const hard = numberAt(limit, "hardLimit") ?? 0;
  return hard !== -1 && (numberAt(limit, "softLimit") ?? 0) > hard;
}

function limitProblems(container: JsonObject): readonly string[] {
  return objectsAt(container, "ulimits")
    .filter(exceedsHardLimit)
    .map((limit) => `Soft limit exceeds hard limit for ulimit ${textAt(limit, "name") ?? ""}.`);
}

function labelProblems(container: JsonObject): readonly string[] {
  return Object.values(objectAt(container, "dockerLabels")).every((value) => typeof value === "string")
    ? []
    : [`Docker labels of container '${nameOf(container)}' must be texts.`];
}

/** What ECS refuses in one container, whatever it runs on. */
export function containerProblems(container: JsonObject, definition: JsonObject): readonly string[] {
  return [
    ...((textAt(container, "image") ?? "") === "" ? ["Container.image should not be null or empty."] : []),
    ...networkProblems(container, textAt(definition, "networkMode") ?? "bridge"),
    ...variableProblems(container),
    ...healthCheckProblems(container),
    ...logProblems(container),
    ...volumeProblems(container, definition),
    ...limitProblems(container),
    ...labelProblems(container),
  ];
}
