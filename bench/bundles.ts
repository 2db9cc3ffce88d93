import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { functionBundling } from "../stacks/definitions/bundling.ts";
import { type Figures, median, type Part } from "./report.ts";

const root = resolve(import.meta.dirname, "..");
const outputDirectory = join(root, ".bench");
const RUNS = 9;

/** Files of functions/ that every function shares; the others export a handler. */
const HANDLER = /export const handler\b/;

/** Size and cold start of every function, bundled as it is deployed. */
export const bundles: Part = {
  name: "bundles",
  about: "size of every function's bundle, how long a fresh Node.js takes to import it, and what reconcile consists of",
  measure: async (progress) => {
    const built: Bundle[] = [];
    for (const name of await functionNames()) {
      progress(`building ${name}`);
      built.push(await bundle(name));
    }
    progress("importing node:http and node:https alone");
    const rows: Figures["rows"][number][] = [
      ["(node:http, node:https)", undefined, undefined, undefined, await coldImportMs(await bareModule())],
    ];
    for (const one of built) {
      progress(`importing ${one.name} ${RUNS} times`);
      rows.push([one.name, one.bytes / 1000, one.gzipBytes / 1000, one.modules, await coldImportMs(one.file)]);
    }
    return [
      {
        title: "Bundles of the functions",
        columns: ["function", "KB minified", "KB gzip", "modules", "import ms"],
        rows,
        notes: [
          `esbuild ${esbuild.version} with SST's options; import() in a fresh Node.js ${process.version}, median of ${RUNS} runs.`,
        ],
      },
      ...built.filter(({ name }) => name === "reconcile-service").map(composition),
    ];
  },
};

interface Bundle {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly modules: number;
  /** Bytes of the bundle by package, or by folder of the project. */
  readonly parts: ReadonlyMap<string, number>;
}

async function functionNames(): Promise<readonly string[]> {
  const files = await readdir(join(root, "functions"), { recursive: true });
  const names: string[] = [];
  for (const file of files.filter((one) => one.endsWith(".ts")).sort()) {
    if (HANDLER.test(await readFile(join(root, "functions", file), "utf8"))) names.push(file.replace(/\.ts$/, ""));
  }
  return names;
}

/** What SST puts before every ESM bundle: CommonJS modules inside it ask for these. */
const banner = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
  "",
].join("\n");

/** Bundles one function with the options of SST 4.17 for nodejs24.x (its pkg/runtime/node/build.go). */
async function bundle(name: string): Promise<Bundle> {
  const directory = join(outputDirectory, name);
  const file = join(directory, "bundle.mjs");
  await mkdir(directory, { recursive: true });
  const { metafile, outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join("functions", `${name}.ts`)],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: ["module", "main"],
    keepNames: true,
    minify: functionBundling.minify,
    // SST's own two first: they are native, and nothing of ours has them.
    external: ["sharp", "pg-native", ...functionBundling.esbuild.external],
    sourcemap: "linked",
    banner: { js: banner },
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  for (const output of outputFiles) await writeFile(output.path, output.contents);
  const code = outputFiles.find(({ path }) => path === file);
  if (!code) throw new Error(`esbuild made no ${file}`);
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    name,
    file,
    bytes: code.contents.length,
    gzipBytes: gzipSync(code.contents, { level: 9 }).length,
    modules: Object.keys(metafile.inputs).length,
    parts: bytesByPart(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])),
  };
}

function bytesByPart(inputs: readonly (readonly [string, number])[]): ReadonlyMap<string, number> {
  const parts = new Map<string, number>();
  for (const [path, bytes] of inputs) {
    const part = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? `${path.split("/")[0]}`;
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }
  return parts;
}

const SHOWN_FROM_BYTES = 8_000;

function composition({ name, parts, bytes }: Bundle): Figures {
  const sorted = [...parts].sort(([, a], [, b]) => b - a);
  const shown = sorted.filter(([, size]) => size >= SHOWN_FROM_BYTES);
  const others = sorted.filter(([, size]) => size < SHOWN_FROM_BYTES);
  const rest = others.reduce((sum, [, size]) => sum + size, 0);
  const row = (part: string, size: number) => [part, size / 1000, (100 * size) / bytes];
  return {
    title: `What ${name} consists of`,
    columns: ["part", "KB minified", "%"],
    rows: [...shown.map(([part, size]) => row(part, size)), row(`${others.length} smaller ones`, rest)],
  };
}

/** What every AWS client imports of Node.js itself: no bundle can start faster. */
async function bareModule(): Promise<string> {
  const file = join(outputDirectory, "bare.mjs");
  await mkdir(outputDirectory, { recursive: true });
  await writeFile(file, 'import "node:http";\nimport "node:https";\nexport const handler = () => undefined;\n');
  return file;
}

const IMPORT = `
const startedMs = performance.now();
const { handler } = await import(process.argv[1]);
const tookMs = performance.now() - startedMs;
if (typeof handler !== "function") throw new Error("the bundle exports no handler");
console.log(tookMs);`;

/** Milliseconds of the bundle's import in a process of its own, with the environment of the deployed function. */
async function coldImportMs(file: string): Promise<number> {
  const env = {
    PATH: process.env.PATH ?? "",
    AWS_REGION: "us-east-1",
    AWS_LAMBDA_FUNCTION_NAME: "bench",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
    AWS_ACCESS_KEY_ID: "123456789012",
    AWS_SECRET_ACCESS_KEY: "bench",
    AUTOPILOT_TABLE: "ledger",
    AUTOPILOT_BUS: "ztunnel-autopilot",
    ROLL_SERVICE_ARN: "arn:aws:states:us-east-1:123456789012:stateMachine:roll-service",
  };
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", IMPORT, file], {
      env,
      cwd: outputDirectory,
    });
    times.push(Number(stdout));
  }
  return median(times);
}
