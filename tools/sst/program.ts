/** Bundles sst.config.ts as SST does (pkg/js/js.go and pkg/project/run.go of 4.17), and loads the bundle. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import * as z from "zod";
import { BANNER } from "./banner.ts";
import { platformDirectory, root } from "./platform.ts";

/** The program's globals `$app` and `$cli`. */
export interface ProgramGlobals {
  readonly app: object;
  readonly cli: object;
}

const lockSchema = z.array(z.object({ package: z.string(), alias: z.string() }));
const configModule = z.object({
  default: z.object({ app: z.custom<(input: object) => unknown>((value) => typeof value === "function") }),
});
const appSchema = z.looseObject({
  name: z.string(),
  home: z.string(),
  removal: z.string().default("retain"),
  protect: z.boolean().default(false),
  providers: z.looseObject({ aws: z.looseObject({ region: z.string() }) }),
});

/** The result of `app()` in sst.config.ts for a stage, completed as SST does. */
export type App = z.infer<typeof appSchema> & { readonly stage: string };

/** The stage whose program runs, and the configuration that replaces autopilot.config.ts, if any. */
export interface Program {
  readonly stage: string;
  readonly configFile: string | undefined;
}

/** Evaluates `app()`. SST gives it no globals, and refuses static imports in sst.config.ts. */
export async function evaluateApp({ stage, configFile }: Program): Promise<App> {
  const loaded: unknown = await load("app", stage, {
    stdin: source(`import mod from "${root}/sst.config.ts"; export default mod;`),
    banner: { js: `${BANNER}\nfunction $config(input) { return input }` },
    plugins: [refuseStaticImports, replaceConfig(configFile)],
  });
  const { app } = configModule.parse(loaded).default;
  const answered = appSchema.parse(await app({ stage }));
  const tags = { "sst:app": answered.name, "sst:stage": stage };
  const aws = { ...answered.providers.aws, defaultTags: { tags } };
  return { ...answered, stage, providers: { ...answered.providers, aws } };
}

/** Runs `run()`, which registers every resource while the bundle loads. Returns its result. */
export async function runProgram({ stage, configFile }: Program, { app, cli }: ProgramGlobals): Promise<unknown> {
  const globals = programImports();
  const loaded = await load("run", stage, {
    stdin: source(
      `import { run } from "${platformDirectory}/src/auto/run.ts"; import mod from "${root}/sst.config.ts"; export default await run(mod.run);`,
    ),
    banner: { js: BANNER },
    inject: [join(platformDirectory, "src/shim/run.js")],
    define: { $app: JSON.stringify(app), $dev: "false", $cli: JSON.stringify(cli) },
    plugins: [prependTo(globals), replaceConfig(configFile)],
  });
  return z.object({ default: z.unknown() }).parse(loaded).default;
}

/** The imports of `aws`, `sst` and the like that SST adds to every file of the project. */
function programImports(): string {
  const lock = lockSchema.parse(JSON.parse(readFileSync(join(root, ".sst/provider-lock.json"), "utf8")));
  const providers = lock.map((one) => `import * as ${one.alias} from "${one.package}";`);
  return `${providers.join("")}import * as sst from "${platformDirectory}/src/components";\n`;
}

async function load(name: string, stage: string, options: esbuild.BuildOptions): Promise<unknown> {
  // The bundle has to be in SST's own folder to resolve its packages.
  const outfile = join(platformDirectory, `sst.render.${stage}.${process.pid}.${name}.mjs`);
  process.on("exit", () => {
    for (const file of [outfile, `${outfile}.map`]) rmSync(file, { force: true });
  });
  await esbuild.build({
    absWorkingDir: root,
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    sourcemap: "linked",
    logLevel: "error",
    nodePaths: [join(platformDirectory, "node_modules")],
    external: [
      "@pulumi/*",
      "undici",
      "@pulumiverse/*",
      "@sst-provider/*",
      "@aws-sdk/*",
      "esbuild",
      "archiver",
      "glob",
      "vite",
    ],
    ...options,
  });
  return import(pathToFileURL(outfile).href);
}

function source(contents: string): esbuild.StdinOptions {
  return { contents, resolveDir: root, sourcefile: "eval.ts", loader: "ts" };
}

const refuseStaticImports: esbuild.Plugin = {
  name: "refuse-static-imports",
  setup: (build) => {
    build.onResolve({ filter: /.*/ }, ({ kind, importer, path }) =>
      kind === "import-statement" && importer === join(root, "sst.config.ts")
        ? { errors: [{ text: `SST refuses static imports in sst.config.ts: "${path}"` }] }
        : undefined,
    );
  },
};

/** Replaces autopilot.config.ts by another configuration, for tests. */
function replaceConfig(configFile: string | undefined): esbuild.Plugin {
  return {
    name: "replace-config",
    setup: (build) => {
      if (configFile) build.onResolve({ filter: /\/autopilot\.config\.ts$/ }, () => ({ path: configFile }));
    },
  };
}

function prependTo(globals: string): esbuild.Plugin {
  return {
    name: "inject-globals",
    setup: (build) => {
      build.onLoad({ filter: /\.(js|ts|jsx|tsx)$/ }, ({ path }) => {
        if (path.includes("/.sst/")) return undefined;
        const loader = path.endsWith(".ts") ? "ts" : "js";
        return { contents: globals + readFileSync(path, "utf8"), loader };
      });
    },
  };
}
