import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as esbuild from "esbuild";
import { functions } from "../stacks/definitions/functions.ts";
import { type Bundle, bundled } from "./bundle.ts";
import { type ColdImport, coldImports } from "./cold-import.ts";
import type { Cell, Figures, Part } from "./report.ts";

const directory = resolve(import.meta.dirname, "../.bench");
const ROUNDS = 15;
const TOP = 5;

/** Most events start this function: what all others need for theirs is compared with it. */
const RECONCILE = "reconcile-service";
const GOAL = { bytes: 600_000, elapsedMs: 70 };

/** What a package is there for where it, and what it brings, takes a bundle over the goal. */
const purposes: Readonly<Record<string, string>> = {
  "@kubernetes/client-node": "Kubernetes client, talks to the control plane",
  "@slack/web-api": "Slack client, writes to the ops channel",
  "@aws-sdk/client-secrets-manager": "Secrets Manager, holds the bootstrap tokens",
  "@aws-sdk/client-ssm": "Systems Manager, holds the image parameter",
  "@aws-sdk/client-cloudwatch": "CloudWatch, holds the alarms",
};

/** Size and cold start of every function, bundled as it is deployed. */
export const bundles: Part = {
  name: "bundles",
  about: "every function's bundle: its size, what it consists of, how long a fresh Node.js takes to import it",
  measure: async (progress) => {
    const built: Bundle[] = [];
    for (const { name } of functions) {
      progress(`building ${name}`);
      built.push(await bundled(name, directory));
    }
    progress(`building ${RECONCILE} in other ways`);
    const naive = [
      await bundled(RECONCILE, directory, { name: `${RECONCILE}, nothing left out`, external: [] }),
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

/** What every AWS client imports of Node.js itself: no bundle can start faster. */
async function bareModule(): Promise<string> {
  const file = join(directory, "bare.mjs");
  await mkdir(directory, { recursive: true });
  await writeFile(file, 'import "node:http";\nimport "node:https";\nexport const handler = () => undefined;\n');
  return file;
}

type Imports = ReadonlyMap<string, ColdImport>;

function sizes(built: readonly Bundle[], timed: { readonly imports: Imports; readonly bareMs: number }): Figures {
  return {
    title: "Bundles of the functions",
    columns: [
      "function",
      "KB minified",
      "KB gzip",
      "modules",
      "import ms",
      "import CPU ms",
      "over the goal because of",
    ],
    rows: built.map((one) => [...rowOf(one, timed.imports), excuse(one, built, timed) ?? ""]),
    notes: [
      `esbuild ${esbuild.version} with SST's options; import() in a fresh Node.js ${process.version}, median of ${ROUNDS} runs, in turns.`,
      `Goal, for ${RECONCILE}: ${GOAL.bytes / 1000} KB and ${GOAL.elapsedMs} ms. The others are held against the same.`,
    ],
  };
}

function rowOf({ name, file, bytes, gzipBytes, modules }: Bundle, imports: Imports): readonly Cell[] {
  const { elapsedMs, cpuMs } = imports.get(file) ?? {};
  return [name, bytes / 1000, gzipBytes / 1000, modules, elapsedMs, cpuMs];
}

/** Why a bundle is over the goal: what it has that the reconcile path has not. Undefined if it is not over. */
function excuse(
  one: Bundle,
  built: readonly Bundle[],
  { imports, bareMs }: { readonly imports: Imports; readonly bareMs: number },
): string | undefined {
  if (one.bytes <= GOAL.bytes) {
    const slow = (imports.get(one.file)?.elapsedMs ?? 0) > GOAL.elapsedMs;
    return slow ? `the time alone, of which node:http and node:https are ${Math.round(bareMs)} ms` : undefined;
  }
  const base = new Set(built.find(({ name }) => name === RECONCILE)?.parts.map(([part]) => part));
  const more = one.parts.filter(([part]) => !base.has(part));
  const kilobytes = Math.round(more.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000);
  const known = more.flatMap(([part]) => purposes[part] ?? []);
  return `${kilobytes} KB more packages: ${known[0] ?? "none that is known, see its parts"}`;
}

function comparison(built: readonly Bundle[], naive: readonly Bundle[], bare: string, imports: Imports): Figures {
  const { elapsedMs, cpuMs } = imports.get(bare) ?? {};
  const deployed = built.filter(({ name }) => name === RECONCILE);
  return {
    title: `${RECONCILE}, bundled in other ways`,
    columns: ["bundle", "KB minified", "KB gzip", "modules", "import ms", "import CPU ms"],
    rows: [
      ["(node:http and node:https alone)", undefined, undefined, undefined, elapsedMs, cpuMs],
      ...[...deployed, ...naive].map((one) => rowOf(one, imports)),
    ],
    notes: ["All are minified. By default, esbuild takes the CommonJS files of packages that have both."],
  };
}

function largestParts(built: readonly Bundle[]): Figures {
  const shown = ([part, bytes]: Bundle["parts"][number]) => `${part} ${Math.round(bytes / 1000)}`;
  return {
    title: `What dominates each bundle: the ${TOP} largest parts, KB minified`,
    columns: ["function", ...Array.from({ length: TOP }, (_, index) => `${index + 1}`)],
    rows: built.map(({ name, parts }) => [name, ...parts.slice(0, TOP).map(shown)]),
  };
}

const SHOWN_FROM_BYTES = 8_000;

function composition({ name, parts, bytes }: Bundle): Figures {
  const others = parts.filter(([, size]) => size < SHOWN_FROM_BYTES);
  const rest = others.reduce((sum, [, size]) => sum + size, 0);
  const row = (part: string, size: number) => [part, size / 1000, (100 * size) / bytes];
  return {
    title: `What ${name} consists of`,
    columns: ["part", "KB minified", "%"],
    rows: [
      ...parts.slice(0, parts.length - others.length).map(([part, size]) => row(part, size)),
      row(`${others.length} smaller ones`, rest),
    ],
  };
}
