/** The sources' positions behind those of a function's bundle, which is minified and deployed without its map. */
import { SourceMap } from "node:module";
import { relative, resolve } from "node:path";
import * as esbuild from "esbuild";
import * as z from "zod";
import type { FunctionName } from "../../shared/base/vocabulary.ts";
import { functionBundling } from "../../stacks/definitions/bundling.ts";
import { functionOptions } from "./function-options.ts";
import { root } from "./platform.ts";

const mapSchema = z.object({
  version: z.number(),
  file: z.string().default(""),
  sources: z.array(z.string()),
  sourcesContent: z.array(z.string()).default([]),
  names: z.array(z.string()),
  mappings: z.string(),
  sourceRoot: z.string().default(""),
});

export interface BundleWithMap {
  readonly code: string;
  readonly map: SourceMap;
}

/** A function's bundle as the checked-out sources make it, with its map. */
export async function bundleWithMap(name: FunctionName): Promise<BundleWithMap> {
  const options = functionOptions(`functions/${name}.ts`, "bundle.mjs", functionBundling);
  const { outputFiles } = await esbuild.build({ ...options, write: false });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return { code: textOf(".mjs"), map: new SourceMap(mapSchema.parse(JSON.parse(textOf(".mjs.map")))) };
}

const POSITION = /(?:file:\/\/)?[^\s("']*bundle\.mjs:(\d+):(\d+)/g;

/** The text with each position of the bundle as one of a source; those that no source has made stay. */
export function withSources(text: string, map: SourceMap): string {
  return text.replace(POSITION, (position, line: string, column: string) => {
    const found = map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in found) || found.generatedLine !== Number(line) - 1) return position;
    const file = relative(root, resolve(root, found.originalSource));
    return `${file}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}
