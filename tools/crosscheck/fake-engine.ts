/**
 * Stands in for the Pulumi CLI in `sst diff`: prints its version, creates an empty stack, and previews by running the
 * program on mocks. Writes the registered resources to CROSSCHECK_OUT.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createdResource, dataSource, placesByProvider } from "../sst/aws-answers.ts";

interface Registered {
  readonly provider?: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface DataSourceCall {
  readonly token: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly provider?: string;
}

const [command, ...args] = process.argv.slice(2);

function option(name: string): string {
  const value = args[args.indexOf(name) + 1];
  if (value === undefined) throw new Error(`pulumi ${command} without ${name}`);
  return value;
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

if (command === "version") console.log("v3.215.0");
if (command === "stack") createStack(args[1] ?? "");
if (command === "preview") await preview(option("--stack"), option("--event-log"));

function createStack(stackName: string): void {
  const [, app = "", stage = ""] = stackName.split("/");
  const latest = { manifest: { time: "2020-01-01T00:00:00Z", magic: "", version: "" }, resources: [] };
  mkdirSync(join(".pulumi/stacks", app), { recursive: true });
  const state = { version: 3, checkpoint: { stack: stackName, latest } };
  writeFileSync(join(".pulumi/stacks", app, `${stage}.json`), JSON.stringify(state));
}

async function preview(stackName: string, eventLog: string): Promise<void> {
  const [, app = "", stage = ""] = stackName.split("/");
  const main = /main: (.*)/.exec(readFileSync("Pulumi.yaml", "utf8"))?.[1]?.trim() ?? "";
  // The copy has its own Pulumi, which has no types here.
  const { runtime } = createRequire(join(main, "../package.json"))("@pulumi/pulumi") as {
    readonly runtime: {
      setMocks(mocks: object, project: string, stack: string, preview: boolean, organization: string): Promise<void>;
      runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
    };
  };
  const { rememberProvider, placeOf } = placesByProvider({
    account: variable("CROSSCHECK_ACCOUNT"),
    region: variable("SST_AWS_REGION"),
  });
  const seen: Registered[] = [];
  await runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom, provider }: Registered & { readonly custom: boolean }) => {
        rememberProvider(type, name, inputs);
        seen.push({ type, name, inputs });
        if (!custom) return { id: "", state: {} };
        const { id, state } = createdResource(type, name, inputs, placeOf(provider));
        return { id, state: { ...inputs, ...state } };
      },
      call: ({ token, inputs, provider }: DataSourceCall) => dataSource(token, inputs, placeOf(provider)),
    },
    app,
    stage,
    false,
    "organization",
  );
  await runtime.runInPulumiStack(() => import(pathToFileURL(main).href));
  // Outputs that resolve later may still register resources.
  await new Promise((resolve) => process.once("beforeExit", resolve));
  writeFileSync(variable("CROSSCHECK_OUT"), JSON.stringify(seen));
  const changes = { sequence: 0, timestamp: 0, summaryEvent: { resourceChanges: { create: seen.length } } };
  appendFileSync(eventLog, `${JSON.stringify(changes)}\n`);
}
