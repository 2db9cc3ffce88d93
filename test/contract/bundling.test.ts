import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionBundling } from "../../stacks/definitions/bundling.ts";
import type { FunctionDefinition } from "../../stacks/definitions/function-definition.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { functionOptions } from "../../tools/sst/function-options.ts";

const { external } = functionBundling.esbuild;

/** A function that makes a call, and prints the request's signature and the answer. */
const source = `
import { createServer } from "node:http";
import { ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";
import { awsClients } from "./shared/gateways/aws/aws-clients.ts";
const server = createServer((request, response) => {
  console.log(request.headers.authorization, request.headers["x-amz-security-token"]);
  response.end('{"clusterArns": ["one"]}');
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const config = { name: "autopilot", homeRegion: "us-east-1", homeAccount: "111111111111", memberRoleName: "member" };
const clients = awsClients({ config, endpoint: "http://127.0.0.1:" + server.address().port });
const { clusterArns } = await clients.home(ECSClient).send(new ListClustersCommand());
console.log(...clusterArns);
server.close();
server.closeAllConnections();
`;

describe("a bundle without the modules that it never loads", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "autopilot-bundling-"));
    const { entryPoints: _, ...options } = functionOptions("", join(directory, "bundle.mjs"), functionBundling);
    await esbuild.build({ ...options, stdin: { contents: source, resolveDir: process.cwd(), loader: "ts" } });
  });

  afterAll(() => rm(directory, { recursive: true }));

  it("makes its calls, signed with the credentials that Lambda puts in its environment", async () => {
    const env = {
      AWS_ACCESS_KEY_ID: "ASIA1",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_SESSION_TOKEN: "token",
      AWS_REGION: "us-east-1",
    };
    const { stdout } = await promisify(execFile)(process.execPath, ["bundle.mjs"], { cwd: directory, env });
    const [signed, answered] = stdout.trim().split("\n");
    expect(signed).toMatch(/^AWS4-HMAC-SHA256 Credential=ASIA1\/.* token$/);
    expect(answered).toBe("one");
  });
});

describe("the bundles of the functions", () => {
  let metafile: esbuild.Metafile;

  beforeAll(async () => {
    // The modules in a bundle don't depend on minification, and the build is faster without it.
    const options = functionOptions("", "", { ...functionBundling, minify: false });
    const { outfile: _, ...shared } = options;
    const entryPoints = functions.map(({ name }) => `functions/${name}.ts`);
    const outputs = {
      outdir: "bundles",
      outbase: "functions",
      write: false,
      sourcemap: false,
      metafile: true,
    } as const;
    ({ metafile } = await esbuild.build({ ...shared, ...outputs, entryPoints }));
  }, 300_000);

  function inputsOf({ name }: FunctionDefinition): readonly (readonly [path: string, bytes: number])[] {
    const output = metafile.outputs[`bundles/${name}.js`];
    if (!output) throw new Error(`${name} has no bundle`);
    return Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]);
  }

  /** The paths of the modules that have code in a function's bundle. */
  function modulesOf(definition: FunctionDefinition): readonly string[] {
    return inputsOf(definition).flatMap(([path, bytes]) => (bytes > 0 ? [path] : []));
  }

  function bytesOf(definition: FunctionDefinition, part: string): number {
    return inputsOf(definition).reduce((sum, [path, bytes]) => sum + (path.startsWith(part) ? bytes : 0), 0);
  }

  /** The names of the functions whose bundle has code of a package or folder. */
  const functionsWith = (part: string) =>
    functions
      .filter((one) => modulesOf(one).some((path) => path.startsWith(part)))
      .map(({ name }) => name)
      .sort();

  it.each(functions)("$name has only modules of the product's folders and of packages", (definition) => {
    const roots = new Set(modulesOf(definition).map((path) => path.split("/")[0]));
    expect([...roots].sort()).toEqual(["autopilot.config.ts", "functions", "node_modules", "shared"]);
  });

  it("have the Kubernetes client only where the function calls a control plane", () => {
    const calling = functions.filter(({ kubernetes }) => kubernetes).map(({ name }) => name);
    expect(calling).not.toEqual([]);
    expect(functionsWith("node_modules/@kubernetes/client-node/")).toEqual(calling.sort());
  });

  it("have the Slack client only where the function reads Slack's secret", () => {
    const notifying = functions.filter(({ calls }) => calls.some(({ scope }) => scope === "slack-secret"));
    const names = notifying.map(({ name }) => name).sort();
    expect(names).not.toEqual([]);
    expect(functionsWith("node_modules/@slack/web-api/")).toEqual(names);
    expect(functionsWith("shared/slack/")).toEqual(names);
  });

  it("have the cron parser only where the function checks freeze windows", () => {
    // The constants of its module, about 200 bytes, stay in every bundle.
    const parsing = functions.filter((one) => bytesOf(one, "node_modules/croner/") > 1_000);
    expect(parsing.map(({ name }) => name).sort()).toEqual(["rollout/next-wave", "rollout/request"]);
  });

  it("have an AWS client only where the function has a permission for its service", () => {
    const clients = {
      cloudwatch: "client-cloudwatch",
      eks: "client-eks",
      secretsmanager: "client-secrets-manager",
      ssm: "client-ssm",
    };
    for (const [service, client] of Object.entries(clients)) {
      const calling = functions.filter(({ calls }) =>
        calls.some(({ actions }) => actions.some((action) => action.startsWith(`${service}:`))),
      );
      expect(functionsWith(`node_modules/@aws-sdk/${client}/`)).toEqual(calling.map(({ name }) => name).sort());
    }
  });

  it("leave out only modules that the SDK imports dynamically", () => {
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
    const left = imports.filter((one) => one.external && external.includes(one.path));
    expect([...new Set(left.map(({ path }) => path))].sort()).toEqual([...external].sort());
    // A static import would fail without the package.
    expect(new Set(left.map(({ kind }) => kind))).toEqual(new Set(["dynamic-import"]));
  });
});

describe("the bundle of reconcile-service, which most events invoke", () => {
  it("is no larger than 600 KB", async () => {
    const options = functionOptions("functions/reconcile-service.ts", "bundle.mjs", functionBundling);
    const { outputFiles } = await esbuild.build({ ...options, sourcemap: false, write: false });
    expect(outputFiles[0]?.contents.length).toBeLessThanOrEqual(600_000);
  });
});
