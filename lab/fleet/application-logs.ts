import type { JsonObject } from "../../shared/base/json.ts";

/** A container's log configuration, as most applications have one: CloudWatch Logs, a group of its own. */
export function applicationLogs(name: string, region = "us-east-1"): JsonObject {
  return {
    logDriver: "awslogs",
    options: { "awslogs-group": `/shop/${name}`, "awslogs-region": region, "awslogs-stream-prefix": name },
  };
}
