import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { isSameJson, type JsonObject } from "../../../shared/base/json.ts";
import { objectsAt } from "../../../shared/base/json-fields.ts";
import type { Config } from "../../../shared/config/config.ts";
import { driftOf } from "../../../shared/data-plane/ztunnel/task-definition/drift.ts";
import { type Inject, inject } from "../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { referenceDefinitions } from "../../../shared/data-plane/ztunnel/task-definition/reference-definitions.ts";
import { changedSettings, settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import { configuredSidecar } from "../../../shared/enrollment/sidecar-spec.ts";
import { containersOf } from "../../../shared/model/task-definition.ts";
import { spec, taskDefinition } from "../../support/arbitrary-definitions.ts";
import { branchesNotTaken } from "../../support/branches.ts";
import { changedAt, type Path, pathsIn, release } from "../../support/releases.ts";
import { config } from "../../support/services.ts";
import { wanted } from "../../support/task-definitions.ts";

const today = settingsHash(config());

/** A configuration with every setting that another may leave out. */
const allSettings = () =>
  config({
    ztunnel: {
      ...config().ztunnel,
      cpu: 64,
      memoryMiB: 256,
      user: "1000",
      readonlyRootFilesystem: true,
      stopTimeoutSeconds: 30,
      environment: { RUST_LOG: "debug", A: "1" },
      repositoryCredentials: { credentialsParameter: "registry" },
      logs: { "us-east-1": "/ecs/ztunnel" },
    },
  });

describe("the reference definitions", () => {
  it("take every branch of the builder", async () => {
    const builder =
      /task-definition\/(sidecar|corrections|owned-members|claims|logs|reconcile-sidecar|added|waiting|proxy-environment|no-proxy)\.ts/;
    const left = await branchesNotTaken(builder, async () => {
      vi.resetModules();
      const fresh = await import("../../../shared/enrollment/settings-hash.ts");
      expect(fresh.settingsHash(config())).toBe(today);
      expect(fresh.settingsHash(allSettings())).not.toBe(today);
    });
    expect(left).toEqual([
      // ECS has no container without an image, and no variable without a value.
      'no-proxy.ts: ?? ""',
      'proxy-environment.ts: ?? ""',
      // Only warnings and the inventory are made of these.
      "proxy-environment.ts: proxyProblems",
      "proxy-environment.ts: rivalsOf",
      "proxy-environment.ts: usesZtunnel",
      // All of a definition's containers are objects.
      "reconcile-sidecar.ts: : container",
      "reconcile-sidecar.ts: proxiesOutbound",
      "reconcile-sidecar.ts: proxyProblemsIn",
      // The builder runs only where something differs, except when it claims a variable.
      'reconcile-sidecar.ts: reasons.add("container-settings");',
      'reconcile-sidecar.ts: reasons.add("proxy-env");',
      "reconcile-sidecar.ts: return { definition, reasons: [] };",
      'sidecar.ts: ?? ""',
      'sidecar.ts: ?? ""',
      // Nor is anything built into a task definition with a foreign container called ztunnel.
      expect.stringContaining('sidecar.ts: { return { kind: "foreign"'),
      // Only `remove` does this.
      "waiting.ts: withoutWait",
    ]);
  });
});

/**
 * What is built into the reference definitions: by it, no member of the sidecar or of the others can be forgotten here.
 */
const built = Object.values(referenceDefinitions).flatMap((definition) =>
  [false, true].flatMap((proxyEnv) => {
    const injection = inject(definition, { ...wanted, proxyEnv });
    if (!injection.ok) throw new Error(injection.detail);
    return containersOf(injection.definition).map((container) => ({
      container,
      before: containersOf(definition).find(({ name }) => name === container.name),
    }));
  }),
);
const unique = (paths: readonly Path[]): readonly Path[] => [
  ...new Map(paths.map((path) => [path.join("."), path])).values(),
];
const ofSidecar = unique(
  built.filter(({ before }) => before === undefined).flatMap(({ container }) => pathsIn(container)),
);
const ofOthers = unique(
  built
    .filter(({ container }) => container.name !== "ztunnel")
    .flatMap(({ container, before = {} }) =>
      pathsIn(container).filter(([member = ""]) => !isSameJson(container[member], before[member])),
    ),
);

/** Everything that another release may build otherwise, one by one. */
const releases = (["altered", "left out"] as const).flatMap((how) => [
  ...ofSidecar.map((path) => ({
    what: `ztunnel ${path.join(".")} ${how}`,
    path,
    build: release(changedAt(path, how)),
  })),
  ...ofOthers.map((path) => ({
    what: `the others' ${path.join(".")} ${how}`,
    path,
    build: release((container) => container, changedAt(path, how)),
  })),
]);

describe("the settings' hash", () => {
  it("is about what is built: members of the sidecar, what waits for it, and the proxy environment", () => {
    const members = (paths: readonly Path[]) => new Set(paths.map(([member]) => member));
    expect([...members(ofSidecar)].sort()).toEqual([
      "cpu",
      "dockerLabels",
      "essential",
      "healthCheck",
      "image",
      "logConfiguration",
      "memoryReservation",
      "name",
      "portMappings",
      "secrets",
      "startTimeout",
    ]);
    expect([...members(ofOthers)].sort()).toEqual(["dependsOn", "environment"]);
  });

  it.each(releases)("is another one with $what", ({ build }) => {
    expect(settingsHash(config(), build)).not.toBe(today);
  });

  it("is another one with a member more, anywhere", () => {
    const more = (container: JsonObject) => ({ ...container, stopTimeout: 30 });
    const same = (container: JsonObject) => container;
    const others = [release(more), release(same, more), release(more, more)];
    expect(new Set([today, ...others.map((build) => settingsHash(config(), build))]).size).toBe(4);
    const task: Inject = (definition, one) => inject({ ...definition, pidMode: "task" }, one);
    expect(settingsHash(config(), task)).not.toBe(today);
  });

  it("is the same when a release only puts members in another order", () => {
    const reversed = (container: JsonObject) => Object.fromEntries(Object.entries(container).reverse());
    expect(settingsHash(config(), release(reversed, reversed))).toBe(today);
  });

  const { ztunnel } = config();
  const settings = {
    image: ["registry.example.com/ztunnel:9", false],
    imageParameter: ["/ztunnel/image", false],
    allowedImages: [["registry.example.com/*"], false],
    healthCheckCommand: [["curl"], true],
    startTimeoutSeconds: [60, true],
    memoryReservationMiB: [65, true],
    cpu: [64, true],
    memoryMiB: [256, true],
    user: ["1337", true],
    readonlyRootFilesystem: [true, true],
    stopTimeoutSeconds: [30, true],
    environment: [{ RUST_LOG: "debug" }, true],
    repositoryCredentials: [{ credentialsParameter: "registry" }, true],
    logs: [{ "eu-west-1": "/ecs/ztunnel" }, true],
  } as const satisfies Record<keyof Config["ztunnel"], readonly [unknown, boolean]>;

  it.each(Object.entries(settings))("of another ztunnel.%s", (name, [value, isSetting]) => {
    const changed = settingsHash(config({ ztunnel: { ...ztunnel, [name]: value } }));
    expect(changed !== today).toBe(isSetting);
  });

  it("ignores the rest of the configuration, and does not fail on settings that exceed every limit", () => {
    expect(settingsHash(config({ allowedNamespaces: ["shop"], identityRole: "execution" }))).toBe(today);
    const huge = config({ ztunnel: { ...ztunnel, healthCheckCommand: ["x".repeat(70_000)] } });
    expect(settingsHash(huge)).not.toBe(today);
  });
});

describe("changed settings", () => {
  const changed = (from: string, to: string) =>
    (["health-check", "log-configuration", "container-settings", "dependency", "proxy-env"] as const).filter(
      changedSettings(from, to),
    );

  it("are none for the same hash, and all for one of an earlier form", () => {
    expect(changed(today, today)).toEqual([]);
    expect(changed("0f".repeat(32), today)).toHaveLength(5);
    expect(changed("health-check=1", today)).toHaveLength(5);
  });

  it("are those that differ", () => {
    const { ztunnel } = config();
    const slower = settingsHash(config({ ztunnel: { ...ztunnel, startTimeoutSeconds: 60 } }));
    expect(changed(slower, today)).toEqual(["health-check"]);
    expect(changed(today, slower)).toEqual(["health-check"]);
    const larger = settingsHash(config({ ztunnel: { ...ztunnel, memoryReservationMiB: 65 } }));
    expect(changed(larger, today)).toEqual(["container-settings"]);
  });

  const others = (change: (entry: JsonObject) => readonly JsonObject[], member: string) => (container: JsonObject) => ({
    ...container,
    ...(container[member] && { [member]: objectsAt(container, member).flatMap(change) }),
  });
  const same = (container: JsonObject) => container;
  const ofWait = (change: (entry: JsonObject) => readonly JsonObject[]) =>
    release(
      same,
      others((entry) => (entry.containerName === "ztunnel" ? change(entry) : [entry]), "dependsOn"),
    );
  const ofProxy = (change: (entry: JsonObject) => readonly JsonObject[]) =>
    release(
      same,
      others((entry) => (/^(ALL|NO)_PROXY$/.test(`${entry.name}`) ? change(entry) : [entry]), "environment"),
    );
  const earlier = [
    ...releases.filter(
      ({ what, path }) => what.startsWith("ztunnel") && !["name", "image", "secrets"].includes(`${path[0]}`),
    ),
    { what: "another condition", build: ofWait((entry) => [{ ...entry, condition: "START" }]) },
    { what: "nobody waits", build: ofWait(() => []) },
    { what: "another proxy", build: ofProxy((entry) => [{ ...entry, value: "socks5://127.0.0.1:1" }]) },
    { what: "no proxy", build: ofProxy(() => []) },
    { what: "a member more", build: release((container) => ({ ...container, stopTimeout: 30 })) },
  ];

  it("account for all drift in a sidecar that another release built, in any service", () => {
    const shown = new Set<string>();
    const known = earlier.map(({ build }) => ({
      build,
      hasChanged: changedSettings(settingsHash(config(), build), today),
    }));
    fc.assert(
      fc.property(taskDefinition(), spec(), fc.constantFrom(...known), (definition, its, { build, hasChanged }) => {
        const one = { ...its, ...configuredSidecar(config()) };
        const injection = build(definition, one);
        if (!injection.ok) return;
        const drift = driftOf(injection.definition, one);
        for (const reason of drift) shown.add(reason);
        expect(drift.filter((reason) => !hasChanged(reason))).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect([...shown].sort()).toEqual([
      "container-settings",
      "dependency",
      "health-check",
      "log-configuration",
      "proxy-env",
    ]);
  });
});
