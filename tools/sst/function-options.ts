import type * as esbuild from "esbuild";
import { BANNER } from "./banner.ts";
import { root } from "./platform.ts";

/** What a function's `nodejs` says of its bundle, as far as the project uses it. */
export interface Bundling {
  readonly minify: boolean;
  readonly esbuild: { readonly external: readonly string[] };
}

/** SST 4.17's options for a bundle of Node.js 24 (its pkg/runtime/node/build.go): the entry's path is the project's. */
export function functionOptions(entry: string, outfile: string, { minify, esbuild: own }: Bundling) {
  return {
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: ["module", "main"],
    keepNames: true,
    minify,
    // SST's own two first.
    external: ["sharp", "pg-native", ...own.external],
    sourcemap: "linked",
    banner: { js: `${BANNER}\n` },
    logLevel: "silent",
  } as const satisfies esbuild.BuildOptions;
}
