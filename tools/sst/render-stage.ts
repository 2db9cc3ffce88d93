import { rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePlatform, platformDirectory, root } from "./platform.ts";
import { type App, evaluateApp, runProgram } from "./program.ts";
import { createRecorder, type RenderedResource } from "./recorder.ts";
import { serveRpc } from "./rpc-server.ts";

/** The resources that SST would create for a stage. */
export interface Rendered {
  readonly app: App;
  readonly resources: readonly RenderedResource[];
  readonly outputs: unknown;
  /** The ids of the bundled functions, sorted. */
  readonly bundles: readonly string[];
}

export interface RenderOptions {
  readonly stage: string;
  /** A configuration that replaces autopilot.config.ts. */
  readonly configFile?: string | undefined;
  /** Bundle the functions as they are deployed. Otherwise each bundle is a placeholder. */
  readonly bundles: boolean;
  /** The directory of the bundles. */
  readonly directory: string;
}

/**
 * Runs sst.config.ts for a stage without an account, and records the resources that it registers. Installs SST's
 * components when they are missing. Works once per process.
 */
export async function renderStage(options: RenderOptions): Promise<Rendered> {
  const { stage, configFile, bundles, directory } = options;
  ensurePlatform();
  const startedIn = process.cwd();
  process.chdir(root); // as SST does, because paths in bundles depend on it
  rmSync(directory, { recursive: true, force: true });
  const failures: unknown[] = [];
  process.on("unhandledRejection", (reason) => failures.push(reason));
  const app = await evaluateApp({ stage, configFile });
  const { region, ...aws } = app.providers.aws;
  process.env.SST_AWS_REGION = region;
  const rpc = await serveRpc({ artifacts: join(directory, "artifacts"), placeholders: !bundles });
  process.env.SST_SERVER = rpc.url;
  const recorder = await createRecorder({
    project: app.name,
    stage,
    home: { account: accountOf(aws.allowedAccountIds), region },
    providerConfig: app.providers.aws,
  });
  const paths = { home: join(root, ".sst/home/sst"), root, work: directory, platform: platformDirectory };
  const cli = { command: "deploy", dev: false, paths, state: { version: {} } };
  const outputs = await recorder.run(() => runProgram({ stage, configFile }, { app, cli }));
  process.chdir(startedIn);
  if (failures.length > 0) throw new AggregateError(failures, failures.map(messageOf).join("\n"));
  return { app, resources: recorder.resources(), outputs, bundles: [...rpc.built].sort() };
}

function accountOf(allowedAccountIds: unknown): string {
  if (Array.isArray(allowedAccountIds) && typeof allowedAccountIds[0] === "string") return allowedAccountIds[0];
  throw new Error("sst.config.ts names no account in providers.aws.allowedAccountIds");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
