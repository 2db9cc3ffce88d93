import {
  containersOf,
  isSet,
  listAt,
  nameOf,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from "../../../shared/data-plane/ztunnel/task-definition/fields.ts";
import type { JsonObject } from "../../json.ts";

const unsupported = (field: string): string => `Fargate compatible task definitions do not support ${field}.`;

/** Fields that a container on Fargate can't have (ECS developer guide, fargate-tasks-services). */
const LISTS = ["links", "dnsServers", "dnsSearchDomains", "extraHosts", "dockerSecurityOptions"];
const LINUX_LISTS = ["devices", "tmpfs"];
const LINUX_NUMBERS = ["sharedMemorySize", "maxSwap", "swappiness"];
const LOG_DRIVERS = ["awslogs", "splunk", "awsfirelens"];

function timeoutProblems(container: JsonObject): readonly string[] {
  return (["startTimeout", "stopTimeout"] as const).flatMap((key) => {
    const seconds = numberAt(container, key);
    return seconds !== undefined && (seconds < 2 || seconds > 120)
      ? [`Invalid '${key}' for container '${nameOf(container)}': Fargate takes 2 to 120 seconds.`]
      : [];
  });
}

function linuxProblems(container: JsonObject): readonly string[] {
  const linux = objectAt(container, "linuxParameters");
  const forbidden = textsAt(objectAt(linux, "capabilities"), "add").filter((one) => one !== "SYS_PTRACE");
  return [
    ...LINUX_LISTS.filter((key) => listAt(linux, key).length > 0).map(unsupported),
    ...LINUX_NUMBERS.filter((key) => isSet(linux, key)).map(unsupported),
    ...forbidden.map((capability) => `Fargate only supports adding the capability SYS_PTRACE, not ${capability}.`),
  ];
}

function containerProblems(container: JsonObject): readonly string[] {
  const driver = textAt(objectAt(container, "logConfiguration"), "logDriver");
  const types = objectsAt(container, "resourceRequirements").map((entry) => textAt(entry, "type"));
  return [
    ...LISTS.filter((key) => listAt(container, key).length > 0).map(unsupported),
    ...(["privileged", "disableNetworking"] as const).filter((key) => container[key] === true).map(unsupported),
    ...(types.includes("GPU") ? [unsupported("GPU")] : []),
    ...(driver !== undefined && !LOG_DRIVERS.includes(driver) ? [unsupported(`log driver ${driver}`)] : []),
    ...linuxProblems(container),
    ...timeoutProblems(container),
  ];
}

function volumeProblems(volume: JsonObject): readonly string[] {
  return [
    ...(isSet(objectAt(volume, "host"), "sourcePath") ? [unsupported("sourcePath")] : []),
    ...(isSet(volume, "dockerVolumeConfiguration") ? [unsupported("dockerVolumeConfiguration")] : []),
  ];
}

/** What ECS refuses in a task definition that requires Fargate, beside its sizes. */
export function fargateProblems(definition: JsonObject): readonly string[] {
  const pidMode = textAt(definition, "pidMode");
  return [
    ...(textAt(definition, "networkMode") === "awsvpc" ? [] : ["Fargate only supports network mode 'awsvpc'."]),
    ...(isSet(definition, "ipcMode") ? ["Tasks using the Fargate launch type do not support ipcMode."] : []),
    ...(pidMode !== undefined && pidMode !== "task" ? [unsupported(`pidMode ${pidMode}`)] : []),
    ...(listAt(definition, "placementConstraints").length > 0 ? [unsupported("constraints")] : []),
    ...objectsAt(definition, "volumes").flatMap(volumeProblems),
    ...containersOf(definition).flatMap(containerProblems),
  ];
}
