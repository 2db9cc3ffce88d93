import { readFileSync } from "node:fs";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { inject } from "../../shared/data-plane/ztunnel/task-definition/inject.ts";
import type { SidecarSpec } from "../../shared/data-plane/ztunnel/task-definition/sidecar.ts";
import { containersOf, nameOf } from "../../shared/model/task-definition.ts";
import { config } from "./services.ts";

type FixtureName = "shell" | "echo" | "multi" | "firelens" | "ec2" | "istioctl" | "by-hand";

/** A task definition of test/fixtures/task-definitions. */
export function fixture(name: FixtureName): JsonObject {
  const json: unknown = JSON.parse(
    readFileSync(new URL(`../fixtures/task-definitions/${name}.json`, import.meta.url), "utf8"),
  );
  if (!isJsonObject(json)) throw new Error(`${name} is not an object`);
  return json;
}

export const wanted: SidecarSpec = {
  image: "registry.example.com/ztunnel:1.28.0",
  secretValueFrom: `arn:aws:secretsmanager:us-east-1:123456789012:secret:ztunnel-autopilot/mesh/default/web-AbCdEf:::${"0".repeat(64)}`,
  healthCheckCommand: config().ztunnel.healthCheckCommand,
  startTimeoutSeconds: 60,
  proxyEnv: false,
  memoryReservationMiB: 64,
};

/** The definition with the sidecar; throws where `inject` refuses. */
export function injected(definition: JsonObject, spec: SidecarSpec = wanted): JsonObject {
  const injection = inject(definition, spec);
  if (!injection.ok) throw new Error(`${injection.refusal}: ${injection.detail}`);
  return injection.definition;
}

/** The container of that name; an empty object when there is none. */
export function containerOf(definition: JsonObject, name: string): JsonObject {
  return containersOf(definition).find((container) => nameOf(container) === name) ?? {};
}

/** The definition with one container changed. */
export function withContainer(definition: JsonObject, name: string, change: JsonObject): JsonObject {
  const containerDefinitions = containersOf(definition).map((container) =>
    nameOf(container) === name ? { ...container, ...change } : container,
  );
  return { ...definition, containerDefinitions };
}
