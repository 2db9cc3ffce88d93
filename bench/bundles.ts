import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as esbuild from "esbuild";
import { functions } from "../stacks/definitions/functions.ts";
import { bundled, type FunctionBundle } from "./bundle.ts";
import { type ColdImport, coldImports } from "./cold-import.ts";
import type { Figures, FigureValue, Part } from "./report.ts";

const directory = resolve(import.meta.dirname, "../.bench");
const ROUNDS = 15;
const TOP = 5;

/** Most events start this function. The other functions are compared with it. */
const RECONCILE = "reconcile-service";
const GOAL = { bytes: 600_000, elapsedMs: 70 };

/** The purpose of packages that, with their dependencies, take a bundle over the goal. */
const purposes: Readonly<Record<string, string>> = {
  "@kubernetes/client-node": "Kubernetes client, talks to the control plane",
  "@slack/web-api": "Slack client, writes to the ops channel",
  "@aws-sdk/client-secrets-manager": "Secrets Manager, holds the bootstrap tokens",
  "@aws-sdk/client-ssm": "Systems Manager, holds the image parameter",
  "@aws-sdk/client-cloudwatch": "CloudWatch, holds the alarms",
};

/** Size and cold start of every function's bundle, as it is deployed. */
export const bundles: Part = {
  name: "bundles",
  about: "size, content and import time in a fresh Node.js of every function's bundle",
  measure: async (progress) => {
    const built: FunctionBundle[] = [];
    for (const { name } of functions) {
      progress(`building ${name}`);
      built.push(await bundled(name, directory));
    }
    progress(`building ${RECONCILE} with other options`);
    const naive = [
      await bundled(RECONCILE, directory, { name: `${RECONCILE}, nothing external`, external: [] }),
      await bundled(RECONCILE, directory, {
        name: `${RECONCILE}, esbuild's defaults`,
        external: [],
        mainFields: ["main", "module"],
      }),
    ];
    const bare = await bareModule();
    const files = [bare, ...[...naive, ...built].map(({ file }) => file)];
    const imports = await coldImports(files, ROUNDS, (round) => progress(`imports, round ${round} of ${ROUNDS}`));
    const timed = { imports, bareMs: imports.get(bare)?.elapsedMs ?? 0 };
    return [
      sizes(built, timed),
      comparison(built, naive, bare, imports),
      largestParts(built),
      ...built.filter(({ name }) => name === RECONCILE).map(composition),
    ];
  },
};

/** A module that imports only what every AWS client needs of Node.js. No bundle can start faster. */
async function bareModule(): Promise<string> {
  const file = join(directory, "bare.mjs");
  await mkdir(directory, { recursive: true });
  await writeFile(file, 'import "node:http";\nimport "node:https";\nexport const handler = () => undefined;\n');
  return file;
}

type Imports = ReadonlyMap<string, ColdImport>;

function sizes(
  built: readonly FunctionBundle[],
  timed: { readonly imports: Imports; readonly bareMs: number },
): Figures {
  return {
    title: "Bundles of the functions",
    columns: ["function", "KB minified", "KB gzip", "modules", "import ms", "import CPU ms", "reason over the goal"],
    rows: built.map((bundle) => [...rowOf(bundle, timed.imports), reasonOverGoal(bundle, built, timed) ?? ""]),
    notes: [
      `esbuild ${esbuild.version} with SST's options; import() in a fresh Node.js ${process.version}, median of ${ROUNDS} interleaved runs.`,
      `Goal for ${RECONCILE}: ${GOAL.bytes / 1000} KB and ${GOAL.elapsedMs} ms. The others are compared with the same goal.`,
    ],
  };
}

function rowOf({ name, file, bytes, gzipBytes, modules }: FunctionBundle, imports: Imports): readonly FigureValue[] {
  const { elapsedMs, cpuMs } = imports.get(file) ?? {};
  return [name, bytes / 1000, gzipBytes / 1000, modules, elapsedMs, cpuMs];
}

/**
 * Why the bundle is over the goal: the packages that reconcile-service doesn't need. Undefined if it meets the goal.
 */
function reasonOverGoal(
  bundle: FunctionBundle,
  built: readonly FunctionBundle[],
  { imports, bareMs }: { readonly imports: Imports; readonly bareMs: number },
): string | undefined {
  if (bundle.bytes <= GOAL.bytes) {
    const slow = (imports.get(bundle.file)?.elapsedMs ?? 0) > GOAL.elapsedMs;
    return slow ? `only the time, of which node:http and node:https take ${Math.round(bareMs)} ms` : undefined;
  }
  const base = new Set(built.find(({ name }) => name === RECONCILE)?.parts.map(([part]) => part));
  const more = bundle.parts.filter(([part]) => !base.has(part));
  const kilobytes = Math.round(more.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000);
  const known = more.flatMap(([part]) => purposes[part] ?? []);
  return `${kilobytes} KB of further packages: ${known[0] ?? "unknown, see the parts"}`;
}

function comparison(
  built: readonly FunctionBundle[],
  naive: readonly FunctionBundle[],
  bare: string,
  imports: Imports,
): Figures {
  const { elapsedMs, cpuMs } = imports.get(bare) ?? {};
  const deployed = built.filter(({ name }) => name === RECONCILE);
  return {
    title: `${RECONCILE}, bundled with other options`,
    columns: ["bundle", "KB minified", "KB gzip", "modules", "import ms", "import CPU ms"],
    rows: [
      ["(node:http and node:https alone)", undefined, undefined, undefined, elapsedMs, cpuMs],
      ...[...deployed, ...naive].map((one) => rowOf(one, imports)),
    ],
    notes: ["All are minified. By default, esbuild uses the CommonJS files of packages that have both formats."],
  };
}

function largestParts(built: readonly FunctionBundle[]): Figures {
  const shown = ([part, bytes]: FunctionBundle["parts"][number]) => `${part} ${Math.round(bytes / 1000)}`;
  return {
    title: `The ${TOP} largest parts of each bundle, KB minified`,
    columns: ["function", ...Array.from({ length: TOP }, (_, index) => `${index + 1}`)],
    rows: built.map(({ name, parts }) => [name, ...parts.slice(0, TOP).map(shown)]),
  };
}

const SHOWN_FROM_BYTES = 8_000;

function composition({ name, parts, bytes }: FunctionBundle): Figures {
  const others = parts.filter(([, size]) => size < SHOWN_FROM_BYTES);
  const rest = others.reduce((sum, [, size]) => sum + size, 0);
  const row = (part: string, size: number) => [part, size / 1000, (100 * size) / bytes];
  return {
    title: `The parts of ${name}`,
    columns: ["part", "KB minified", "%"],
    rows: [
      ...parts.slice(0, parts.length - others.length).map(([part, size]) => row(part, size)),
      row(`${others.length} smaller parts`, rest),
    ],
  };
}
