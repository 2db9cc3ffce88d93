import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { functionBundling } from "../stacks/definitions/bundling.ts";
import { functionOptions } from "../tools/sst/function-options.ts";

export interface FunctionBundle {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly modules: number;
  /** Bytes in the bundle by package, or by folder of the project. The largest is first. */
  readonly parts: readonly (readonly [part: string, bytes: number])[];
}

/** Bundles a function of `functions/` into the directory, as it is deployed or with some options replaced. */
export async function bundled(
  functionName: string,
  directory: string,
  { name = functionName, ...others }: Pick<esbuild.BuildOptions, "external" | "mainFields"> & { name?: string } = {},
): Promise<FunctionBundle> {
  const file = join(directory, name, "bundle.mjs");
  const { metafile, outputFiles } = await esbuild.build({
    ...functionOptions(`functions/${functionName}.ts`, file, functionBundling),
    ...others,
    metafile: true,
    write: false,
  });
  await mkdir(dirname(file), { recursive: true });
  for (const output of outputFiles) await writeFile(output.path, output.contents);
  const code = outputFiles.find(({ path }) => path === file);
  if (!code) throw new Error(`esbuild wrote no ${file}`);
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    name,
    file,
    bytes: code.contents.length,
    gzipBytes: gzipSync(code.contents, { level: 9 }).length,
    modules: inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).length,
    parts: bytesByPart(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])),
  };
}

function bytesByPart(inputs: readonly (readonly [string, number])[]): FunctionBundle["parts"] {
  const parts = new Map<string, number>();
  for (const [path, bytes] of inputs) {
    const part = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? `${path.split("/")[0]}`;
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }
  return [...parts].sort(([, a], [, b]) => b - a);
}
