import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../../../shared/base/json.ts";
import { driftOf } from "../../../../../shared/data-plane/ztunnel/task-definition/drift.ts";
import { inject } from "../../../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { containersOf } from "../../../../../shared/model/task-definition.ts";
import { spec, taskDefinition } from "../../../../support/arbitrary-definitions.ts";
import { containerOf, fixture, injected, wanted, withContainer } from "../../../../support/task-definitions.ts";

/** The definition as DescribeTaskDefinition returns it, in another order and with empty lists for omitted members. */
function described(definition: JsonObject): JsonObject {
  const reversed = (object: JsonObject): JsonObject => Object.fromEntries(Object.entries(object).reverse());
  const filled = (container: JsonObject): JsonObject => {
    const { environment, logConfiguration } = container;
    const logs = isJsonObject(logConfiguration) && { logConfiguration: { ...logConfiguration, secretOptions: [] } };
    const variables: Json = Array.isArray(environment) ? environment.toReversed() : [];
    const lists = { portMappings: [], mountPoints: [], volumesFrom: [], systemControls: [] };
    return reversed({ cpu: 0, ...lists, ...container, environment: variables, ...logs });
  };
  return reversed({ ...definition, containerDefinitions: containersOf(definition).map(filled) });
}

describe("driftOf", () => {
  it("is empty for ECS's description of an injected definition", () => {
    fc.assert(
      fc.property(taskDefinition(), spec(), (definition, one) => {
        const injection = inject(definition, one);
        if (injection.ok) expect(driftOf(described(injection.definition), one)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("has only sidecar-missing if the sidecar is missing", () => {
    expect(driftOf(fixture("multi"), { ...wanted, proxyEnv: true })).toEqual(["sidecar-missing"]);
  });

  const multi = injected(fixture("multi"));
  const ztunnel = containerOf(multi, "ztunnel");
  it.each<[string, JsonObject, string[]]>([
    ["another image", { image: "other:1" }, ["image"]],
    ["another token", { secrets: [{ name: "BOOTSTRAP_TOKEN", valueFrom: `${wanted.secretValueFrom}1` }] }, ["token"]],
    ["a token in plain text", { environment: [{ name: "BOOTSTRAP_TOKEN", value: "x" }] }, ["token-in-plain-text"]],
    ["another health check", { healthCheck: { command: ["true"] } }, ["health-check"]],
    ["another start timeout", { startTimeout: 5 }, ["health-check"]],
    ["no log configuration", { logConfiguration: null }, ["log-configuration"]],
    ["a sidecar that may stop", { essential: false }, ["container-settings"]],
    ["a label that lost its content", { dockerLabels: {} }, []],
    ["a memory limit that somebody set", { memory: 128 }, []],
    ["several", { image: "other:1", startTimeout: 5 }, ["image", "health-check"]],
  ])("detects %s", (_what, change, reasons) => {
    expect(driftOf(withContainer(multi, "ztunnel", change), wanted)).toEqual(reasons);
  });

  it("ignores members that ECS may add in the future", () => {
    const secrets = [{ name: "BOOTSTRAP_TOKEN", valueFrom: wanted.secretValueFrom, futureField: 1 }];
    const healthCheck = {
      command: ["ztunnel", "healthcheck"],
      interval: 5,
      timeout: 5,
      retries: 3,
      startPeriod: 10,
      futureField: 1,
    };
    expect(driftOf(withContainer(multi, "ztunnel", { ...ztunnel, secrets, healthCheck }), wanted)).toEqual([]);
  });

  it("detects a container that doesn't wait, or not for HEALTHY", () => {
    expect(driftOf(withContainer(multi, "cache", { dependsOn: [] }), wanted)).toEqual(["dependency"]);
    const dependsOn = [{ containerName: "ztunnel", condition: "START" }];
    expect(driftOf(withContainer(multi, "cache", { dependsOn }), wanted)).toEqual(["dependency"]);
  });

  it("detects a missing or an obsolete proxy environment", () => {
    const proxied = { ...wanted, proxyEnv: true };
    expect(driftOf(multi, proxied)).toEqual(["proxy-env"]);
    expect(driftOf(injected(multi, proxied), wanted)).toEqual(["proxy-env"]);
  });

  it("is empty for a foreign container with the name ztunnel", () => {
    expect(driftOf(withContainer(fixture("multi"), "cache", { name: "ztunnel" }), wanted)).toEqual([]);
  });
});
