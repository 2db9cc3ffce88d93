/** Bundles a function as SST 4.17 does for Node.js (its pkg/runtime/node/build.go). */
import { createCipheriv } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import * as esbuild from "esbuild";
import * as z from "zod";
import { functionOptions } from "./function-options.ts";
import { root } from "./platform.ts";

/** A request of SST's components to build a function. */
export const buildRequestSchema = z.looseObject({
  functionID: z.string(),
  handler: z.string(),
  runtime: z.string(),
  encryptionKey: z.string().optional(),
  links: z.record(z.string(), z.unknown()).default({}),
  properties: z
    .looseObject({
      minify: z.boolean().default(false),
      esbuild: z.looseObject({ external: z.array(z.string()).default([]) }).prefault({}),
    })
    .prefault({}),
});
export type BuildRequest = z.infer<typeof buildRequestSchema>;

export interface Built {
  readonly handler: string;
  readonly errors: readonly string[];
  /** Files that the zip doesn't contain. */
  readonly sourcemaps: readonly string[];
}

/**
 * Bundles the function into `out`. `placeholder` writes one line instead. A handler without a file is always an error.
 */
export async function bundleFunction(
  request: BuildRequest,
  out: string,
  { placeholder }: { readonly placeholder: boolean },
): Promise<Built> {
  mkdirSync(out, { recursive: true });
  const handler = `bundle${extname(request.handler)}`;
  const entry = `${request.handler.slice(0, -extname(request.handler).length)}.ts`;
  if (!existsSync(join(root, entry))) {
    return { handler, errors: [`${request.handler} has no file: ${entry}`], sourcemaps: [] };
  }
  const outfile = join(out, "bundle.mjs");
  if (placeholder) writeFileSync(outfile, `// placeholder for ${request.handler}\n`);
  else await esbuild.build(functionOptions(entry, outfile, request.properties));
  if (request.encryptionKey) writeFileSync(join(out, "resource.enc"), encrypted(request.links, request.encryptionKey));
  const maps = readdirSync(out).filter((file) => file.endsWith(".map"));
  return { handler, errors: [], sourcemaps: maps.map((file) => join(out, file)) };
}

/** The linked resources, as SST's runtime library reads them. */
function encrypted(links: unknown, key: string): Buffer {
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key, "base64"), Buffer.alloc(12));
  return Buffer.concat([cipher.update(JSON.stringify(links)), cipher.final(), cipher.getAuthTag()]);
}
