import type { JsonObject } from "../../../base/json.ts";
import { isSet, listAt, objectAt, objectsAt, textAt, without } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import { isLogRouter } from "../../../model/task-definition.ts";
import { otherContainers } from "./containers.ts";

const AWSLOGS = "awslogs";
/** The log driver of FireLens: lines go through the task's log router. */
const FIRELENS = "awsfirelens";
/** Where ztunnel's lines go to nobody (`none`), or can't go by a copy (FireLens, which needs a router). */
const NOT_COPIED: readonly string[] = ["none", FIRELENS];
const STREAM_PREFIX = "awslogs-stream-prefix";
/** How an application's log lines begin is not how ztunnel's do: these would glue its lines together. */
const LINE_FORMAT_OPTIONS = ["awslogs-datetime-format", "awslogs-multiline-pattern"];

/** Log groups of CloudWatch Logs for sidecars whose task has no log that they could use: by region. */
export type LogGroups = Readonly<Record<string, string>>;

/** ECS's LogConfiguration. */
export interface LogConfiguration extends JsonObject {
  readonly logDriver: string;
}

/** The log driver of a log configuration or of none. */
export const driverOf = (configuration: JsonObject): string | undefined => textAt(configuration, "logDriver");

/** True for what an awslogs configuration of ours looks like, in every release: its streams begin with `ztunnel`. */
export function looksLikeOurs(configuration: JsonObject): boolean {
  return driverOf(configuration) === AWSLOGS && textAt(objectAt(configuration, "options"), STREAM_PREFIX) === ZTUNNEL;
}

/**
 * True for a log router that is up before ztunnel without a word in `dependsOn`: the ECS agent starts the router before
 * the containers that log through it, unless the router itself waits for others. A wait for ztunnel doesn't count, as
 * it is taken away.
 */
function startsFirst(router: JsonObject): boolean {
  const waits = objectsAt(router, "dependsOn").some((entry) => textAt(entry, "containerName") !== ZTUNNEL);
  return !waits && listAt(router, "volumesFrom").length === 0 && listAt(router, "links").length === 0;
}

function awslogs(options: JsonObject): LogConfiguration {
  const own = LINE_FORMAT_OPTIONS.reduce(without, options);
  return { logDriver: AWSLOGS, options: { ...own, [STREAM_PREFIX]: ZTUNNEL } };
}

/** Driver, options and secrets of a log configuration, and nothing of what ECS may describe beside them. */
function copied(logDriver: string, configuration: JsonObject): LogConfiguration {
  if (logDriver === AWSLOGS) return awslogs(objectAt(configuration, "options"));
  const { options, secretOptions } = configuration;
  return {
    logDriver,
    ...(isSet(configuration, "options") && options !== undefined && { options }),
    ...(listAt(configuration, "secretOptions").length > 0 && secretOptions !== undefined && { secretOptions }),
  };
}

/**
 * Where ztunnel logs in a task definition: through the task's own log router, if a container does and the router starts
 * first; else as the first container with awslogs, with a stream prefix of its own; else with the driver of another
 * container; else where the router itself logs; else to the configured log group of the region. `undefined` when there
 * is none of these.
 */
export function sidecarLogs(
  definition: JsonObject,
  groups: LogGroups,
  region: string | undefined,
): LogConfiguration | undefined {
  const others = otherContainers(definition);
  const ofApplication = logsOf(others.filter((container) => !isLogRouter(container)));
  const routers = others.filter(isLogRouter);
  const source =
    (routers.some(startsFirst) ? ofApplication.find(({ driver }) => driver === FIRELENS) : undefined) ??
    ofApplication.find(({ driver }) => driver === AWSLOGS) ??
    [...ofApplication, ...logsOf(routers)].find(({ driver }) => !NOT_COPIED.includes(driver));
  if (source !== undefined) return copied(source.driver, source.configuration);
  const group = region !== undefined && Object.hasOwn(groups, region) ? groups[region] : undefined;
  if (region === undefined || group === undefined) return undefined;
  return awslogs({ "awslogs-group": group, "awslogs-region": region });
}

function logsOf(containers: readonly JsonObject[]) {
  return containers.flatMap((container) => {
    const configuration = objectAt(container, "logConfiguration");
    const driver = driverOf(configuration);
    return driver === undefined ? [] : [{ driver, configuration }];
  });
}
