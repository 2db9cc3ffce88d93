import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

/** How a file imports another: each is a dependency, also where the compiler leaves nothing of it. */
export type Kind = "value" | "type" | "export" | "dynamic" | "inline-type";

/** One import in a tree. `to` is a file of the tree, a package or a module of Node.js. */
export interface PlantedImport {
  readonly from: string;
  readonly to: string;
  readonly kind?: Kind;
}

const SIMULATOR = "@ztunnel-autopilot/simulator";

const imports = (from: string, ...targets: readonly string[]): readonly PlantedImport[] =>
  targets.map((to) => ({ from, to }));

/** A small project in which every import is allowed, with the folders of the real one. */
export const cleanTree: readonly PlantedImport[] = [
  ...imports("shared/base/json.ts", "shared/base/vocabulary.ts", "node:crypto", "zod"),
  ...imports("shared/config/config.ts", "shared/base/json.ts"),
  ...imports("shared/model/service.ts", "shared/config/config.ts"),
  ...imports("shared/trust/bundle.ts", "shared/model/service.ts"),
  ...imports("shared/data-plane/ztunnel/token.ts", "shared/model/service.ts"),
  ...imports("shared/data-plane/ztunnel/index.ts", "shared/data-plane/ztunnel/token.ts"),
  ...imports("shared/deployment/verdict.ts", "shared/trust/bundle.ts"),
  ...imports("shared/enrollment/decide.ts", "shared/data-plane/ztunnel/index.ts", "shared/trust/bundle.ts"),
  ...imports("shared/rollout/waves.ts", "shared/config/config.ts"),
  ...imports("shared/ports/ports.ts", "shared/enrollment/decide.ts", "shared/model/service.ts"),
  ...imports("shared/events/outgoing.ts", "shared/ports/ports.ts"),
  ...imports("shared/slack/message.ts", "shared/events/outgoing.ts", "shared/rollout/waves.ts"),
  ...imports("shared/gateways/aws/ecs.ts", "shared/ports/ports.ts", "@aws-sdk/client-ecs", "node:timers/promises"),
  ...imports("shared/gateways/kubernetes/api.ts", "shared/gateways/aws/ecs.ts", "@kubernetes/client-node", "zod"),
  ...imports("shared/gateways/ledger/ledger.ts", "shared/gateways/aws/ecs.ts", "@smithy/core"),
  ...imports("shared/gateways/slack/slack.ts", "shared/slack/message.ts", "@slack/web-api"),
  ...imports("shared/use-cases/observe/observe.ts", "shared/ports/ports.ts"),
  ...imports("shared/use-cases/reconcile/look.ts", "shared/use-cases/observe/observe.ts", "shared/events/outgoing.ts"),
  ...imports("shared/use-cases/roll/apply.ts", "shared/use-cases/observe/observe.ts", "shared/deployment/verdict.ts"),
  ...imports("shared/use-cases/rotation/watch.ts", "shared/ports/ports.ts"),
  ...imports("shared/use-cases/notify/announce.ts", "shared/slack/message.ts"),
  ...imports("shared/use-cases/rollout/start.ts", "shared/slack/message.ts", "node:util"),
  ...imports("autopilot.config.ts", "shared/config/config.ts"),
  ...imports(
    "functions/reconcile.ts",
    ...["autopilot.config.ts", "shared/use-cases/reconcile/look.ts", "shared/use-cases/roll/apply.ts"],
    "shared/use-cases/notify/announce.ts",
    ...["shared/gateways/kubernetes/api.ts", "shared/gateways/slack/slack.ts", "@middy/core", "node:timers/promises"],
  ),
  ...imports("cli/main.ts", "cli/run.ts", "node:fs"),
  ...imports("cli/run.ts", "shared/use-cases/rotation/watch.ts", "shared/gateways/ledger/ledger.ts", "zod"),
  ...imports("stacks/definitions/patterns.ts", "shared/base/vocabulary.ts", "stacks/definitions/roll.asl.json"),
  ...imports("stacks/app.ts", "stacks/definitions/patterns.ts", "shared/config/config.ts", "autopilot.config.ts"),
  ...imports("sst.config.ts", "stacks/app.ts", "autopilot.config.ts"),
  ...imports("simulator/index.ts", "simulator/aws.ts"),
  ...imports("lab/main.ts", "lab/lab.ts"),
  ...imports("lab/lab.ts", SIMULATOR, "functions/reconcile.ts", "stacks/definitions/patterns.ts"),
  ...imports("bench/main.ts", "bench/calls.ts"),
  ...imports("bench/calls.ts", "lab/lab.ts", "tools/render/render.ts", "shared/use-cases/rollout/start.ts"),
  ...imports("tools/render.ts", "tools/render/render.ts", "node:fs"),
  ...imports("tools/render/render.ts", "stacks/app.ts"),
  ...imports("test/unit/decide.test.ts", "shared/data-plane/ztunnel/token.ts", "cli/run.ts", "test/support/fakes.ts"),
  ...imports("test/support/fakes.ts", "lab/lab.ts", "bench/calls.ts", "@aws-sdk/client-ecs", "node:fs"),
];

/** The imports between files of the tree, sorted, each as `from → to`. */
export function arrowsOf(planted: readonly PlantedImport[]): readonly string[] {
  const between = planted.map(({ from, to }) => ({ from, to: to === SIMULATOR ? "simulator/index.ts" : to }));
  return between
    .filter(({ to }) => isFile(to))
    .map(({ from, to }) => `${from} → ${to}`)
    .sort();
}

function isFile(name: string): boolean {
  return /\.(ts|json)$/.test(name);
}

const packages = ["zod", "@aws-sdk/client-ecs", "@kubernetes/client-node", "@smithy/core", "@slack/web-api"];
const otherPackages = ["@middy/core", "left-pad", "undici"];

/** Writes the tree into a new folder, as a Git repository with stubs of the packages, and returns its path. */
export function plant(planted: readonly PlantedImport[], files: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const sources = [...planted.map(({ from }) => from), ...planted.map(({ to }) => to).filter(isFile), ...files];
  for (const source of new Set(sources)) {
    const lines = planted.filter(({ from }) => from === source).map(statement);
    write(source, source.endsWith(".json") ? "{}\n" : `${lines.join("\n")}\nexport const here = "${source}";\n`);
  }
  for (const name of [...packages, ...otherPackages]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, type: "module", exports: "./index.js" }));
    write(`node_modules/${name}/index.js`, "export const here = 1;\n");
  }
  write("simulator/package.json", JSON.stringify({ name: SIMULATOR, type: "module", exports: "./index.ts" }));
  mkdirSync(join(root, "node_modules/@ztunnel-autopilot"));
  symlinkSync("../../simulator", join(root, `node_modules/${SIMULATOR}`));
  write("package.json", JSON.stringify({ name: "planted", type: "module", workspaces: ["simulator"] }));
  write(".gitignore", "node_modules/\n");
  execFileSync("git", ["init", "-q"], { cwd: root });
  execFileSync("git", ["add", "-A"], { cwd: root });
  return root;
}

const statements: Readonly<Record<Kind, (name: string, path: string) => string>> = {
  value: (name, path) => `import { here as ${name} } from "${path}";\nvoid ${name};`,
  type: (name, path) => `import type { here as ${name} } from "${path}";\nexport type ${name}Type = typeof ${name};`,
  export: (name, path) => `export { here as ${name} } from "${path}";`,
  dynamic: (name, path) => `export const ${name} = (): Promise<unknown> => import("${path}");`,
  "inline-type": (name, path) => `export type ${name}Type = typeof import("${path}");`,
};

function statement({ from, to, kind = "value" }: PlantedImport, index: number): string {
  const name = `name${index}`;
  const path = isFile(to) && !to.startsWith("./") ? relative(dirname(from), to).replace(/^(?!\.)/, "./") : to;
  if (path.endsWith(".json")) return `import ${name} from "${path}" with { type: "json" };\nvoid ${name};`;
  return statements[kind](name, path);
}
