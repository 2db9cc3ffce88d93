import type * as esbuild from "esbuild";
import { BANNER } from "./banner.ts";
import { root } from "./platform.ts";

/** The bundle settings in a function's `nodejs`, as far as the project uses them. */
export interface Bundling {
  readonly minify: boolean;
  readonly esbuild: { readonly external: readonly string[] };
}

/**
 * SST 4.17's options for a bundle for Node.js 24 (its pkg/runtime/node/build.go). `entry` is relative to the project.
 */
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
    // The first two are SST's.
    external: ["sharp", "pg-native", ...own.external],
    sourcemap: "linked",
    banner: { js: `${BANNER}\n` },
    logLevel: "silent",
  } as const satisfies esbuild.BuildOptions;
}
