import type { ContainerDefinition, RegisterTaskDefinitionRequest } from "@aws-sdk/client-ecs";
import { registrationProblems } from "@ztunnel-autopilot/simulator";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, isJsonObject, type JsonObject } from "../../../../../shared/base/json.ts";
import { without } from "../../../../../shared/base/json-fields.ts";
import { ZTUNNEL } from "../../../../../shared/base/vocabulary.ts";
import { otherContainers, ztunnelOf } from "../../../../../shared/data-plane/ztunnel/task-definition/containers.ts";
import {
  dependenciesOf,
  findCycle,
  startDependencies,
} from "../../../../../shared/data-plane/ztunnel/task-definition/dependencies.ts";
import { driftOf } from "../../../../../shared/data-plane/ztunnel/task-definition/drift.ts";
import { inject } from "../../../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { definitionBytes } from "../../../../../shared/data-plane/ztunnel/task-definition/quotas.ts";
import { remove } from "../../../../../shared/data-plane/ztunnel/task-definition/remove.ts";
import { findSidecar, type SidecarSpec } from "../../../../../shared/data-plane/ztunnel/task-definition/sidecar.ts";
import { containersOf, isLogRouter, nameOf } from "../../../../../shared/model/task-definition.ts";
import { spec, taskDefinition } from "../../../../support/arbitrary-definitions.ts";

const RUNS = { numRuns: 300 };

function injected(definition: JsonObject, wanted: SidecarSpec): JsonObject {
  const injection = inject(definition, wanted);
  if (!injection.ok) throw new Error(`${injection.refusal}: ${injection.detail}`);
  return injection.definition;
}

const usesRouter = ({ logConfiguration }: JsonObject): boolean =>
  isJsonObject(logConfiguration) && logConfiguration.logDriver === "awsfirelens";

/** Definitions with room for the sidecar. */
const roomy = () => taskDefinition().filter((definition) => containersOf(definition).length < 10);

const editContainers = (definition: JsonObject, edit: (container: JsonObject) => JsonObject): JsonObject => ({
  ...definition,
  containerDefinitions: containersOf(definition).map(edit),
});

/** With the variables of each container in one order: it means nothing to ECS. */
const inOrder = (definition: JsonObject): JsonObject =>
  editContainers(definition, (container) =>
    Array.isArray(container.environment)
      ? { ...container, environment: container.environment.map(canonicalJson).sort() }
      : container,
  );

/** The compiler checks both lists against the SDK's types. */
const taskFields: Record<keyof RegisterTaskDefinitionRequest, true> = {
  family: true,
  taskRoleArn: true,
  executionRoleArn: true,
  networkMode: true,
  containerDefinitions: true,
  volumes: true,
  placementConstraints: true,
  requiresCompatibilities: true,
  cpu: true,
  memory: true,
  tags: true,
  pidMode: true,
  ipcMode: true,
  proxyConfiguration: true,
  inferenceAccelerators: true,
  ephemeralStorage: true,
  runtimePlatform: true,
  enableFaultInjection: true,
};
const containerFields: Record<keyof ContainerDefinition, true> = {
  name: true,
  image: true,
  repositoryCredentials: true,
  cpu: true,
  memory: true,
  memoryReservation: true,
  links: true,
  portMappings: true,
  essential: true,
  restartPolicy: true,
  entryPoint: true,
  command: true,
  environment: true,
  environmentFiles: true,
  mountPoints: true,
  volumesFrom: true,
  linuxParameters: true,
  secrets: true,
  dependsOn: true,
  startTimeout: true,
  stopTimeout: true,
  versionConsistency: true,
  hostname: true,
  user: true,
  workingDirectory: true,
  disableNetworking: true,
  privileged: true,
  readonlyRootFilesystem: true,
  dnsServers: true,
  dnsSearchDomains: true,
  extraHosts: true,
  dockerSecurityOptions: true,
  interactive: true,
  pseudoTerminal: true,
  dockerLabels: true,
  ulimits: true,
  logConfiguration: true,
  healthCheck: true,
  systemControls: true,
  resourceRequirements: true,
  firelensConfiguration: true,
  credentialSpecs: true,
};

describe("inject and remove, for every definition that ECS accepts", () => {
  it("remove restores the definition before inject, byte by byte", () => {
    fc.assert(
      fc.property(roomy(), spec(), (definition, wanted) => {
        const removed = remove(injected(definition, wanted));
        expect(removed).toStrictEqual(definition);
        expect(JSON.stringify(removed)).toBe(JSON.stringify(definition));
      }),
      RUNS,
    );
  });

  it("remove restores it after any number of injections with other specs", () => {
    fc.assert(
      fc.property(roomy(), fc.array(spec(), { minLength: 2, maxLength: 4 }), (definition, specs) => {
        const last = specs.reduce(injected, definition);
        expect(JSON.stringify(remove(last))).toBe(JSON.stringify(definition));
      }),
      RUNS,
    );
  });

  it("the result of two injections depends only on the last spec", () => {
    fc.assert(
      fc.property(roomy(), spec(), spec(), (definition, first, second) => {
        expect(canonicalJson(injected(injected(definition, first), second))).toBe(
          canonicalJson(injected(definition, second)),
        );
      }),
      RUNS,
    );
  });

  it("an old sidecar leaves nothing behind when all else of the definition has changed since", () => {
    const changing = ["logConfiguration", "environment", "secrets", "cpu", "memory", "dependsOn"];
    const ofOther = (one: JsonObject, other: JsonObject) => ({
      ...changing.reduce(without, one),
      ...Object.fromEntries(Object.entries(other).filter(([member]) => changing.includes(member))),
    });
    fc.assert(
      fc.property(roomy(), roomy(), spec(), spec(), (before, now, first, second) => {
        // An application that brings our very values itself takes over what the label says of them.
        fc.pre(!/socks5h|169\.254/.test(JSON.stringify(now)));
        const old = containersOf(injected(before, first));
        const others = containersOf(now);
        const carried = {
          ...now,
          containerDefinitions: old.map((one, index) => {
            const other = others[index];
            return one.name === "ztunnel" || other === undefined ? one : ofOther(one, other);
          }),
        };
        const renewed = inject(carried, second);
        const fresh = inject(remove(carried), second);
        expect(canonicalJson(renewed.ok ? inOrder(renewed.definition) : renewed.refusal)).toBe(
          canonicalJson(fresh.ok ? inOrder(fresh.definition) : fresh.refusal),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("inject is idempotent", () => {
    fc.assert(
      fc.property(roomy(), spec(), (definition, wanted) => {
        const once = injected(definition, wanted);
        expect(injected(once, wanted)).toBe(once);
      }),
      RUNS,
    );
  });

  it("inject changes only dependsOn and, with the proxy environment, environment", () => {
    fc.assert(
      fc.property(roomy(), spec(), (definition, wanted) => {
        const result = injected(definition, wanted);
        const named = wanted.proxyEnv ? ["dependsOn", "environment"] : ["dependsOn"];
        const rest = (one: JsonObject) => JSON.stringify(named.reduce(without, one));
        expect(JSON.stringify(without(result, "containerDefinitions"))).toBe(
          JSON.stringify(without(definition, "containerDefinitions")),
        );
        expect(Object.keys(result)).toEqual(Object.keys(definition));
        expect(otherContainers(result).map(rest)).toEqual(containersOf(definition).map(rest));
      }),
      RUNS,
    );
  });

  it("ECS accepts the definition with the sidecar, too", () => {
    fc.assert(
      fc.property(taskDefinition(), spec(), (definition, wanted) => {
        const injection = inject(definition, wanted);
        if (injection.ok) expect(registrationProblems(injection.definition)).toEqual([]);
        else expect(injection.refusal).toBe("too-many-containers");
      }),
      RUNS,
    );
  });

  it("the sidecar makes no circle, and logs through no router that starts after it", () => {
    let throughRouter = 0;
    fc.assert(
      fc.property(roomy(), spec(), (definition, wanted) => {
        const result = injected(definition, wanted);
        const order = startDependencies(result);
        expect(findCycle(order)).toBeUndefined();
        const router = containersOf(result).find(isLogRouter);
        if (!usesRouter(ztunnelOf(result) ?? {})) return;
        throughRouter += 1;
        expect(router && order.get(ZTUNNEL)?.has(nameOf(router))).toBe(true);
        expect(router && dependenciesOf(nameOf(router), order).has(ZTUNNEL)).toBe(false);
      }),
      RUNS,
    );
    expect(throughRouter).toBeGreaterThan(0);
  });

  it("the injected sidecar is recognized as ours, with its secret", () => {
    fc.assert(
      fc.property(roomy(), spec(), (definition, wanted) => {
        const { image, secretValueFrom } = wanted;
        expect(findSidecar(injected(definition, wanted))).toEqual({ kind: "ours", image, secretValueFrom });
      }),
      RUNS,
    );
  });

  it("drift is empty exactly when inject changes nothing", () => {
    fc.assert(
      fc.property(roomy(), spec(), spec(), fc.boolean(), (definition, first, second, bare) => {
        const before = bare ? definition : injected(definition, first);
        const unchanged = canonicalJson(injected(before, second)) === canonicalJson(before);
        expect(driftOf(before, second).length === 0).toBe(unchanged);
      }),
      RUNS,
    );
  });

  it("a pipeline that changes an image in the injected definition causes no drift", () => {
    fc.assert(
      fc.property(roomy(), spec(), spec(), (definition, first, second) => {
        const deploy = (container: JsonObject) =>
          container.name === "ztunnel" ? container : { ...container, image: "web:2" };
        const deployed = editContainers(injected(definition, first), deploy);
        expect(driftOf(deployed, first)).toEqual([]);
        expect(JSON.stringify(remove(injected(deployed, second)))).toBe(
          JSON.stringify(editContainers(definition, deploy)),
        );
      }),
      RUNS,
    );
  });

  it("a forged label never removes application settings, except our own proxy values", () => {
    const label = fc.oneof(
      fc.string(),
      fc.json(),
      taskDefinition().map((definition) =>
        JSON.stringify(
          containersOf(definition).map(({ name }) => ({ container: name, env: ["ALL_PROXY"], dependsOn: "empty" })),
        ),
      ),
    );
    fc.assert(
      fc.property(roomy(), spec(), label, (definition, wanted, forged) => {
        const plain = { ...wanted, proxyEnv: false };
        const tampered = editContainers(injected(definition, plain), (container) =>
          container.name === "ztunnel"
            ? { ...container, dockerLabels: { "ztunnel-autopilot/added": forged } }
            : container,
        );
        const again = injected(tampered, plain);
        expect(injected(again, plain)).toBe(again);
        const emptied = (one: JsonObject) =>
          ["dependsOn", "environment"].reduce<JsonObject>((rest, key) => without(rest, key), one);
        expect(containersOf(remove(tampered)).map(emptied)).toEqual(containersOf(definition).map(emptied));
      }),
      { numRuns: 100 },
    );
  });

  it("inject refuses a definition that the sidecar makes too large", () => {
    fc.assert(
      fc.property(roomy(), spec(), fc.integer({ min: 1, max: 400 }), (definition, wanted, left) => {
        const full = { ...definition, padding: "" };
        const padded = { ...full, padding: "x".repeat(65_536 - definitionBytes(full) - left) };
        const injection = inject(padded, wanted);
        expect(injection.ok ? definitionBytes(injection.definition) <= 65_536 : injection.refusal).toSatisfy(
          (outcome) => outcome === true || outcome === "definition-too-large",
        );
      }),
      { numRuns: 50 },
    );
  });

  it("the generator uses every field of the SDK's types, and all important cases", () => {
    const samples = fc.sample(taskDefinition(), { numRuns: 400, seed: 1 });
    const containers = samples.flatMap(containersOf);
    const used = (objects: readonly JsonObject[]) => new Set(objects.flatMap(Object.keys));
    expect(Object.keys(taskFields).filter((field) => !used(samples).has(field))).toEqual([]);
    expect(Object.keys(containerFields).filter((field) => !used(containers).has(field))).toEqual([]);
    expect(containers.some((one) => one.dependsOn === null)).toBe(true);
    expect(containers.some((one) => JSON.stringify(one.dependsOn)?.includes("SUCCESS"))).toBe(true);
    expect(containers.some((one) => JSON.stringify(one.environment)?.includes("socks5h"))).toBe(true);
    expect(samples.every((one) => ztunnelOf(one) === undefined)).toBe(true);
  });
});
