import type { Engine, EngineContext, EngineResult } from "./engine.ts";
import { installInto, isInstalled } from "./installed.ts";
import type { Tool } from "./tools.ts";

/** The outcome of one engine. */
export type Outcome = { readonly name: string; readonly seconds: number } & (
  | { readonly kind: "compared"; readonly result: EngineResult }
  | { readonly kind: "installed" }
  | { readonly kind: "skipped"; readonly lacks: readonly string[] }
  | { readonly kind: "not-installed" }
  | { readonly kind: "failed"; readonly why: string }
);

export interface Suite {
  readonly engines: readonly Engine[];
  /** Install, and compare nothing. */
  readonly install: boolean;
  readonly contextOf: (engine: Engine) => EngineContext;
  /** Why the host's tool can't be used; undefined if it can. */
  readonly lackOf: (tool: Tool) => string | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Installs or compares the engines, one after the other. The others go on after one fails. */
export async function runSuite(suite: Suite): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const engine of suite.engines) {
    const startedMs = suite.now();
    const outcome = await outcomeOf(engine, suite).catch((error: unknown) => ({
      kind: "failed" as const,
      why: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }));
    outcomes.push({ name: engine.name, seconds: (suite.now() - startedMs) / 1000, ...outcome });
  }
  return outcomes;
}

/** Omits from each case, where `Omit` would keep only what all cases have. */
type CaseOf<T> = T extends unknown ? Omit<T, "name" | "seconds"> : never;

async function outcomeOf(engine: Engine, { install, contextOf, lackOf }: Suite): Promise<CaseOf<Outcome>> {
  const lacks = engine.needs.map(lackOf).filter((lack) => lack !== undefined);
  if (lacks.length > 0) return { kind: "skipped", lacks };
  const context = contextOf(engine);
  const { folder, sources, progress } = context;
  const isThere = isInstalled(folder, sources);
  if (!install) return isThere ? { kind: "compared", result: await engine.run(context) } : { kind: "not-installed" };
  if (!isThere) await installInto(folder, sources, () => engine.install(context));
  progress(isThere ? "installed already" : "installed");
  return { kind: "installed" };
}
