import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Checked, check } from "../../../tools/layers/check.ts";
import { cruiseRules, ownRules } from "../../../tools/layers/rules.ts";
import { arrowsOf, cleanTree, type Kind, type PlantedImport, plant } from "./layers-tree.ts";

/** An import that a rule refuses: from, to, and how. */
type Refused = readonly [rule: string, from: string, to: string, kind?: Kind];

const refusedImports: readonly Refused[] = [
  ["layer-vocabulary", "shared/base/vocabulary.ts", "shared/base/json.ts"],
  ["layer-base", "shared/base/planted.ts", "shared/config/config.ts"],
  ["layer-config", "shared/config/planted.ts", "shared/model/service.ts", "type"],
  ["layer-model", "shared/model/planted.ts", "shared/trust/bundle.ts", "inline-type"],
  ["layer-trust", "shared/trust/planted.ts", "shared/data-plane/ztunnel/index.ts"],
  ["layer-data-plane", "shared/data-plane/ztunnel/planted.ts", "shared/enrollment/decide.ts", "type"],
  ["layer-deployment", "shared/deployment/planted.ts", "shared/enrollment/decide.ts"],
  ["layer-enrollment", "shared/enrollment/planted.ts", "shared/ports/ports.ts", "type"],
  ["layer-rollout", "shared/rollout/planted.ts", "shared/enrollment/decide.ts"],
  ["layer-ports", "shared/ports/planted.ts", "shared/events/outgoing.ts", "type"],
  ["layer-events", "shared/events/planted.ts", "shared/slack/message.ts", "export"],
  ["layer-slack", "shared/slack/planted.ts", "shared/gateways/slack/slack.ts"],
  ["layer-gateway-aws", "shared/gateways/aws/planted.ts", "shared/use-cases/roll/apply.ts"],
  ["layer-gateway-kubernetes", "shared/gateways/kubernetes/planted.ts", "shared/gateways/ledger/ledger.ts"],
  ["layer-gateway-ledger", "shared/gateways/ledger/planted.ts", "shared/use-cases/observe/observe.ts", "type"],
  ["layer-gateway-slack", "shared/gateways/slack/planted.ts", "shared/gateways/aws/ecs.ts"],
  ["layer-observe", "shared/use-cases/observe/planted.ts", "shared/use-cases/reconcile/look.ts"],
  ["layer-reconcile", "shared/use-cases/reconcile/planted.ts", "shared/use-cases/roll/apply.ts", "dynamic"],
  ["layer-roll", "shared/use-cases/roll/planted.ts", "shared/gateways/aws/ecs.ts", "type"],
  ["layer-notify", "shared/use-cases/notify/planted.ts", "shared/use-cases/observe/observe.ts"],
  ["layer-rotation", "shared/use-cases/rotation/planted.ts", "shared/use-cases/observe/observe.ts"],
  ["layer-rollout-steps", "shared/use-cases/rollout/planted.ts", "shared/use-cases/roll/apply.ts"],
  ["layer-settings", "autopilot.config.ts", "shared/model/service.ts"],
  ["layer-functions", "functions/planted.ts", "lab/lab.ts"],
  ["layer-functions", "functions/planted.ts", "test/fixtures/event.json"],
  ["layer-cli", "cli/planted.ts", "functions/reconcile.ts"],
  ["layer-definitions", "stacks/definitions/planted.ts", "shared/base/json.ts", "type"],
  ["layer-stage", "stacks/deployment.ts", "functions/reconcile.ts"],
  ["layer-alarms", "stacks/observability/alarm-definitions.ts", "shared/enrollment/decide.ts"],
  ["layer-stacks", "stacks/planted.ts", "functions/reconcile.ts"],
  ["layer-tools", "tools/render/planted.ts", "shared/enrollment/decide.ts"],
  ["layer-simulator", "simulator/planted.ts", "shared/base/json.ts", "type"],
  ["layer-lab", "lab/planted.ts", "bench/calls.ts"],
  ["layer-bench", "bench/planted.ts", "cli/run.ts"],
  ["layer-app", "sst.config.ts", "shared/model/service.ts", "type"],
  ["data-plane-door", "shared/enrollment/planted.ts", "shared/data-plane/ztunnel/token.ts", "type"],
  ["simulator-door", "lab/planted.ts", "simulator/index.ts"],
  ["simulator-door", "bench/planted.ts", "simulator/aws.ts", "type"],
  ["unresolved", "shared/base/planted.ts", "./missing.ts"],
  ["clients", "shared/use-cases/roll/planted.ts", "@aws-sdk/client-ecs", "type"],
  ["clients", "functions/planted.ts", "@slack/web-api"],
  ["clients", "cli/planted.ts", "@kubernetes/client-node"],
  ["io", "shared/enrollment/planted.ts", "node:fs"],
  ["io", "shared/model/planted.ts", "node:process"],
  ["io", "shared/use-cases/roll/planted.ts", "node:http", "dynamic"],
  ["packages-shared", "shared/trust/planted.ts", "left-pad"],
  ["packages-gateways", "shared/gateways/aws/planted.ts", "left-pad"],
  ["packages-undici", "shared/gateways/aws/planted.ts", "undici"],
  ["packages-functions", "functions/planted.ts", "left-pad"],
  ["packages-cli", "cli/planted.ts", "left-pad"],
  ["packages-definitions", "stacks/definitions/planted.ts", "zod"],
  ["packages-definitions", "shared/base/vocabulary.ts", "zod"],
];

const withoutImport: readonly PlantedImport[] = [
  { from: "cli/left.ts", to: "cli/right.ts", kind: "type" },
  { from: "cli/right.ts", to: "cli/left.ts", kind: "type" },
  // A circle of folders, and none of files.
  { from: "bench/main.ts", to: "bench/one/upper.ts" },
  { from: "bench/main.ts", to: "bench/two/upper.ts" },
  { from: "bench/one/upper.ts", to: "bench/two/lower.ts", kind: "type" },
  { from: "bench/two/upper.ts", to: "bench/one/lower.ts", kind: "type" },
  { from: "test/unit/decide.test.ts", to: "shared/rollout/tested-alone.ts" },
  { from: "bench/main.ts", to: "scripts/loose.ts" },
];
const loneFiles = ["shared/model/orphan.ts", "test/support/orphan.ts", "scripts/loose.ts", ".bench/unseen.ts"] as const;

/** Places that break a rule in another way than by one import. */
const refusedPlaces: readonly (readonly [rule: string, where: string])[] = [
  ["file-cycle", "cli/left.ts ⇄ cli/right.ts"],
  ["folder-cycle", "bench/one ⇄ bench/two"],
  ["orphan", "shared/model/orphan.ts"],
  ["orphan", "shared/rollout/tested-alone.ts"],
  ["test-orphan", "test/support/orphan.ts"],
  ["no-layer", "scripts/loose.ts"],
  ["unseen", ".bench/unseen.ts"],
];

const roots: string[] = [];

async function checkTree(planted: readonly PlantedImport[], files: readonly string[] = []): Promise<Checked> {
  const root = plant(planted, files);
  roots.push(root);
  return check(root);
}

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

describe("the layers of a project", () => {
  it("accepts a tree in which every import is allowed", async () => {
    const { findings, imports } = await checkTree(cleanTree);
    expect(findings).toEqual([]);
    expect(imports.map(({ from, to }) => `${from} → ${to}`).sort()).toEqual(arrowsOf(cleanTree));
  });

  it("has a planted violation of every rule", () => {
    const names = [...cruiseRules().map(({ name }) => name), ...Object.keys(ownRules)];
    const planted = [...refusedImports, ...refusedPlaces].map(([rule]) => rule);
    expect([...new Set(planted)].sort()).toEqual(names.toSorted());
  });
});

describe("npm run layers", () => {
  const run = (planted: readonly PlantedImport[]) => {
    const root = plant(planted);
    roots.push(root);
    return spawnSync(process.execPath, ["tools/layers/main.ts", "--root", root], { encoding: "utf8" });
  };

  it("succeeds when no rule is broken", () => {
    const { status, stdout, stderr } = run(cleanTree);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+ files, \d+ imports between them: no rule broken\n$/);
  });

  it("fails, and names the rule, the import and what to do", () => {
    const upward = { from: "shared/base/planted.ts", to: "shared/config/config.ts", kind: "type" } as const;
    const { status, stderr } = run([...cleanTree, upward]);
    expect(status).toBe(1);
    expect(stderr).toContain("layer-base: shared/base/ is the bottom. Move what it needs down into it");
    expect(stderr).toContain("  shared/base/planted.ts → shared/config/config.ts\n");
  });
});

describe("a rule of the layers", () => {
  let findings: Checked["findings"] = [];

  beforeAll(async () => {
    const planted = refusedImports.map(([, from, to, kind = "value"]) => ({ from, to, kind }));
    ({ findings } = await checkTree([...cleanTree, ...planted, ...withoutImport], loneFiles));
  });

  const rulesAt = (matches: (where: string) => boolean) =>
    findings.filter(({ where }) => matches(where)).map(({ rule }) => rule);

  const cases = refusedImports.map(([rule, from, to, kind = "value"]) => ({ rule, from, to, kind }));
  it.each(cases)("$rule refuses an import ($kind) from $from to $to", ({ rule, from, to }) => {
    const target = to.replace(/^node:/, "");
    const places = [target, `node_modules/${target}/index.js`].map((path) => `${from} → ${path}`);
    expect(rulesAt((where) => places.includes(where))).toEqual([rule]);
  });

  it.each(refusedPlaces)("%s refuses %s", (rule, place) => {
    expect(rulesAt((where) => where.split("\n")[0] === place)).toEqual([rule]);
  });

  it("says what to do", () => {
    for (const { advice } of findings) expect(advice).toMatch(/^\w.{20,}[.]$/);
  });
});
