import http from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { buildRequestSchema, bundleFunction } from "./lambda-bundle.ts";

const requestSchema = z.object({ method: z.string(), params: z.tuple([z.unknown()], z.unknown()) });
const bootstrapSchema = z.looseObject({ region: z.string() });

export interface RpcServer {
  readonly url: string;
  /** The ids of the functions that the program asked to build, in any order. */
  readonly built: readonly string[];
}

/**
 * Answers the requests of SST's components to the CLI: where assets are stored, and to build functions. The server
 * doesn't keep the process alive.
 */
export async function serveRpc(options: {
  /** The directory that bundles are written to. */
  readonly artifacts: string;
  readonly placeholders: boolean;
}): Promise<RpcServer> {
  const built: string[] = [];

  async function answer(method: string, input: unknown): Promise<object> {
    if (method === "Provider.Aws.Bootstrap") return { result: bootstrap(bootstrapSchema.parse(input).region) };
    if (method === "Runtime.AddTarget") return { result: true };
    if (method === "Runtime.Build") return { result: await build(input) };
    // SST's own resources, such as an invalidation.
    if (method.startsWith("Resource.")) return { result: { id: "rendered", outs: input } };
    return { error: `rpc: can't find method ${method}` };
  }

  async function build(input: unknown): Promise<object> {
    const request = buildRequestSchema.parse(input);
    const out = join(options.artifacts, `${request.functionID}-src`);
    built.push(request.functionID);
    return { out, ...(await bundleFunction(request, out, { placeholder: options.placeholders })) };
  }

  const server = http.createServer((request, response) => {
    // An idle connection would keep the process alive.
    response.setHeader("connection", "close");
    const reply = async () => {
      const { method, params } = requestSchema.parse(JSON.parse(await text(request)));
      return answer(method, params[0]);
    };
    reply().then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => response.end(JSON.stringify({ error: String(error) })),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  server.unref();
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the RPC server has no port");
  return { url: `http://127.0.0.1:${address.port}`, built };
}

function bootstrap(region: string): object {
  return {
    version: 5,
    asset: `sst-asset-${region}`,
    state: `sst-state-${region}`,
    assetEcrRegistryId: "000000000000",
    assetEcrUrl: `000000000000.dkr.ecr.${region}.amazonaws.com/sst-asset`,
    appsyncHttp: "",
    appsyncRealtime: "",
  };
}
