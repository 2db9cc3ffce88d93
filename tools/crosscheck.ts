/**
 * Compares the renderer with the real command: runs `sst diff` on a copy of the project with a fake engine and a fake
 * Parameter Store, and compares all resources and all bundles. Run it after an upgrade of SST:
 * `npm run crosscheck -- --stage dev`.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { ensurePlatform, root, sstEnvironment } from "./sst/platform.ts";

const { values } = parseArgs({ options: { stage: { type: "string", default: "dev" } } });
const { stage } = values;

/** What both sides write: the registered resources, and one bundle per function. */
const registeredSchema = z.array(
  z.object({ type: z.string(), name: z.string(), inputs: z.record(z.string(), z.unknown()) }),
);
type Registered = z.infer<typeof registeredSchema>[number];
const renderedSchema = z.object({
  app: z.object({ providers: z.object({ aws: z.object({ allowedAccountIds: z.tuple([z.string()]) }) }) }),
  resources: registeredSchema,
  bundles: z.array(z.string()),
});

const NOT_COPIED = ["node_modules", ".sst", ".git", ".bench"];

const copy = mkdtempSync(join(tmpdir(), "autopilot-crosscheck-"));

function render(): z.infer<typeof renderedSchema> {
  const out = join(copy, "rendered.json");
  const directory = join(copy, "rendered");
  const args = ["tools/render.ts", "--stage", stage, "--bundles", "--directory", directory, "--out", out];
  execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  return renderedSchema.parse(JSON.parse(readFileSync(out, "utf8")));
}

/** Copies the project. The copy keeps its state in a file, because `home: "aws"` would need a bucket. */
function copyProject(): void {
  for (const name of readdirSync(root)) {
    if (!NOT_COPIED.includes(name)) cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  mkdirSync(join(copy, ".sst"));
  const linked = [
    ["node_modules", "node_modules"],
    [".sst/platform", ".sst"],
    [".sst/provider-lock.json", ".sst"],
  ] as const;
  for (const [from, to] of linked) execFileSync("cp", ["-al", join(root, from), join(copy, to)]);
  const program = join(copy, "sst.config.ts");
  const text = readFileSync(program, "utf8");
  if (!text.includes('home: "aws"')) throw new Error('sst.config.ts has no home: "aws" to replace');
  writeFileSync(program, text.replace('home: "aws"', 'home: "local"'));
  const bin = join(copy, "xdg/sst/bin");
  mkdirSync(bin, { recursive: true });
  const engine = join(copy, "tools/crosscheck/fake-engine.ts");
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\nexec "${process.execPath}" "${engine}" "$@"\n`, { mode: 0o755 });
}

async function diff(account: string): Promise<void> {
  const parameterStore = await fakeParameterStore();
  const env = sstEnvironment({
    XDG_CONFIG_HOME: join(copy, "xdg"),
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
    AWS_ACCESS_KEY_ID: "crosscheck",
    AWS_SECRET_ACCESS_KEY: "crosscheck",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_SSM: parameterStore.url,
    CROSSCHECK_ACCOUNT: account,
    CROSSCHECK_OUT: join(copy, "seen.json"),
  });
  const child = spawn(process.execPath, [join(copy, "node_modules/sst/bin/sst.mjs"), "diff", "--stage", stage], {
    cwd: copy,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const code = await new Promise((resolve) => child.on("exit", resolve));
  parameterStore.close();
  if (code === 0 && existsSync(join(copy, "seen.json"))) return;
  const log = join(copy, ".sst/log/sst.log");
  if (existsSync(log)) console.error(readFileSync(log, "utf8").slice(-4000));
  throw new Error(`sst diff ended with ${String(code)}`);
}

/** Answers the only question that `sst diff` asks AWS: where assets are stored. */
async function fakeParameterStore(): Promise<{ readonly url: string; close(): void }> {
  const bootstrap = {
    version: 99,
    asset: "sst-asset-x",
    state: "sst-state-x",
    assetEcrRegistryId: "000000000000",
    assetEcrUrl: "x",
  };
  const body = JSON.stringify({ Parameter: { Value: JSON.stringify(bootstrap) } });
  const server = http.createServer((request, response) => {
    request.resume();
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the fake Parameter Store has no port");
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

function report({ resources, bundles }: z.infer<typeof renderedSchema>, seen: readonly Registered[]): boolean {
  const [ours, theirs] = [byKey(resources), byKey(seen)];
  const different = [...new Set([...ours.keys(), ...theirs.keys()])].filter((key) => ours.get(key) !== theirs.get(key));
  for (const key of different) {
    console.log(`DIFFERENT ${key}\n  sst    ${theirs.get(key) ?? "-"}\n  render ${ours.get(key) ?? "-"}`);
  }
  const same = bundles.filter((id) =>
    bundleIn(".sst/artifacts", id)?.equals(bundleIn("rendered/artifacts", id) ?? empty),
  );
  console.log(
    `${ours.size - different.length} of ${theirs.size} resources and ${same.length} of ${bundles.length} bundles equal those of sst diff`,
  );
  return different.length === 0 && same.length === bundles.length;
}

const empty = Buffer.alloc(0);

function bundleIn(directory: string, id: string): Buffer | undefined {
  const file = join(copy, directory, `${id}-src/bundle.mjs`);
  return existsSync(file) ? readFileSync(file) : undefined;
}

function byKey(resources: readonly Registered[]): ReadonlyMap<string, string> {
  const own = resources.filter(({ type }) => type !== "pulumi:pulumi:Stack");
  return new Map(own.map(({ type, name, inputs }) => [`${type} ${name}`, JSON.stringify(comparable(inputs))]));
}

const PULUMI_SIGNATURE = "4dabf18193072939515e22adb298388d";

/** The value without what differs between two runs: buckets, files and the hashes of their content. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === "string") return value.replace(/sst-asset-[\w-]+/, "BUCKET").replace(/[0-9a-f]{64}/g, "HASH");
  if (typeof value !== "object" || value === null) return value;
  const members: Readonly<Record<string, unknown>> = { ...value };
  if (["$file", "__pulumiAsset", "__pulumiArchive"].some((key) => key in value)) return "FILE";
  if (PULUMI_SIGNATURE in value) return comparable(members.value);
  const defined = Object.entries(members).filter(([, one]) => one !== undefined);
  return Object.fromEntries(defined.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, comparable(one)]));
}

/** True if both sides agree. */
async function crosscheck(): Promise<boolean> {
  ensurePlatform();
  try {
    const rendered = render();
    copyProject();
    await diff(rendered.app.providers.aws.allowedAccountIds[0]);
    return report(rendered, registeredSchema.parse(JSON.parse(readFileSync(join(copy, "seen.json"), "utf8"))));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

process.exitCode = (await crosscheck()) ? 0 : 1;
