import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionBundling } from "../../stacks/definitions/bundling.ts";

/** A function that only tells what its calls are signed with. */
const source = `
import { STSClient } from "@aws-sdk/client-sts";
import { awsClients } from "./shared/gateways/aws-clients.ts";
const config = { name: "autopilot", homeRegion: "us-east-1", homeAccount: "111111111111", memberRoleName: "member" };
const { accessKeyId, sessionToken } = await awsClients({ config }).home(STSClient).config.credentials();
console.log(JSON.stringify({ accessKeyId, sessionToken }));
`;

describe("a function bundled without the credential sources of a person's machine", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "autopilot-bundling-"));
    const result = await esbuild.build({
      stdin: { contents: source, resolveDir: process.cwd(), loader: "ts" },
      outfile: join(directory, "bundle.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      mainFields: ["module", "main"],
      minify: functionBundling.minify,
      external: functionBundling.esbuild.external,
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
      metafile: true,
      logLevel: "silent",
    });
    const left = Object.values(result.metafile.inputs).flatMap(({ imports }) => imports.filter((one) => one.external));
    const packages = left.filter(({ path }) => path.startsWith("@aws-sdk/"));
    expect(packages.map(({ path }) => path).sort()).toEqual(functionBundling.esbuild.external);
    // An import by a statement would fail where the package is not; these only run when all else has no credentials.
    expect(new Set(packages.map(({ kind }) => kind))).toEqual(new Set(["dynamic-import"]));
  });

  afterAll(() => rm(directory, { recursive: true }));

  it("signs with the credentials that Lambda puts in its environment", async () => {
    const env = {
      AWS_ACCESS_KEY_ID: "ASIA1",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_SESSION_TOKEN: "t",
      AWS_REGION: "us-east-1",
    };
    const { stdout } = await promisify(execFile)(process.execPath, ["bundle.mjs"], { cwd: directory, env });
    expect(JSON.parse(stdout)).toEqual({ accessKeyId: "ASIA1", sessionToken: "t" });
  });
});
