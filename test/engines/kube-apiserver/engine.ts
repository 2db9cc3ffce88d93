import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { accessChapter } from "./checks/access.ts";
import { apartFrom, type CheckChapter } from "./checks/check.ts";
import { connectionChapter } from "./checks/connection.ts";
import { pagesChapter } from "./checks/pages.ts";
import { racesChapter } from "./checks/races.ts";
import { type Cluster, startCluster } from "./cluster/cluster.ts";
import { CRDS, prepare } from "./cluster/definitions.ts";
import { realWorld, simulatedWorld, type World } from "./cluster/worlds.ts";
import { listed } from "./listed.ts";
import { appliesChapter } from "./steps/applies.ts";
import { gatewayChapter } from "./steps/gateway.ts";
import { listsChapter } from "./steps/lists.ts";
import { namesChapter } from "./steps/names.ts";
import type { Chapter } from "./steps/step.ts";

/** Kubernetes' own API server, with Istio's definitions. */
export const kubeApiserver: Engine = {
  name: "kube-apiserver",
  about: "the product's gateway and RBAC on Kubernetes' own API server, step by step as on the simulator's",
  needs: ["go", "etcd"],
  inQuick: false,
  install,
  run,
};

const chapters: readonly Chapter[] = [appliesChapter, namesChapter, listsChapter, gatewayChapter];
const checkChapters: readonly CheckChapter[] = [accessChapter, connectionChapter, pagesChapter, racesChapter];
const MODULE_OF_DEFINITIONS = "istio.io/api";
/** Packages between two lines of progress. */
const REPORTED = 100;

async function install({ folder, sources, children, progress }: EngineContext): Promise<void> {
  progress("fetching the sources of Kubernetes and Istio");
  const go = (...parameters: readonly string[]) => children.run("go", ["-C", sources, ...parameters], { environment });
  await go("mod", "download");
  const module = await go("list", "-m", "-f", "{{.Dir}}", MODULE_OF_DEFINITIONS);
  copyFileSync(join(module.trim(), "kubernetes", CRDS), join(folder, CRDS));
  const packages = (await go("list", "-deps", ".")).trim().split("\n").length;
  progress(`compiling up to ${packages} packages: some 20 minutes with two free processors, less the next time`);
  let compiled = 0;
  const onLine = () => {
    compiled += 1;
    if (compiled % REPORTED === 0) progress(`${compiled} packages`);
  };
  const output = ["-o", join(folder, "kube-apiserver")];
  await children.run("go", ["-C", sources, "build", "-v", "-trimpath", "-ldflags", "-s -w", ...output, "."], {
    environment,
    onLine,
  });
}

/** The versions are those of go.mod and go.sum: a build changes neither. */
const environment = { GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off" };

/** How often both did the same. */
interface Row {
  readonly chapter: string;
  readonly steps: number;
  readonly apart: number;
}

async function run(context: EngineContext): Promise<EngineResult> {
  const simulated = simulatedWorld();
  const cluster = await startCluster(context);
  try {
    await prepare(cluster, context.folder);
    const real = await realWorld(cluster, simulated.objects);
    const found: string[] = [];
    const rows: Row[] = [];
    for (const chapter of checkChapters) rows.push(await checked(chapter, cluster, context, found));
    for (const chapter of chapters) rows.push(await compared(chapter, { ours: simulated.world, real }, context, found));
    return {
      table: {
        columns: ["subject", "steps", "differ"],
        rows: rows.map(({ chapter, steps, apart }) => [chapter, steps, apart]),
      },
      differences: withReasons(found, listed, { quick: context.quick }),
      figures: { steps: rows.reduce((sum, { steps }) => sum + steps, 0), differences: found.length },
    };
  } finally {
    await cluster.end();
  }
}

async function compared(
  { name, steps }: Chapter,
  { ours, real }: { readonly ours: World; readonly real: World },
  { progress }: EngineContext,
  found: string[],
): Promise<Row> {
  progress(`playing ${steps.length} steps: ${name}`);
  let apart = 0;
  for (const { what, play } of steps) {
    const [weSay, theySay] = [await played(play, ours), await played(play, real)];
    if (weSay === theySay) continue;
    apart += 1;
    found.push(`${name}: ${what}: simulator ${weSay}; kube-apiserver ${theySay}`);
  }
  return { chapter: name, steps: steps.length, apart };
}

/** A step that ends with an error of its own differs from one that does not; the later ones are still played. */
async function played(play: (world: World) => Promise<string>, world: World): Promise<string> {
  return play(world).catch((error: unknown) => `fails: ${String(error)}`);
}

async function checked(
  { name, checks }: CheckChapter,
  cluster: Cluster,
  { progress }: EngineContext,
  found: string[],
): Promise<Row> {
  progress(`making ${checks.length} checks: ${name}`);
  let apart = 0;
  for (const check of checks) {
    const outcome = await check.play(cluster).catch((error: unknown) => `fails: ${String(error)}`);
    const difference = apartFrom(check, outcome);
    if (difference === undefined) continue;
    apart += 1;
    found.push(`${name}: ${difference}`);
  }
  return { chapter: name, steps: checks.length, apart };
}
