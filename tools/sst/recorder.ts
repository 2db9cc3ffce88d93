/** Stands in for the Pulumi engine: records every resource that the program registers, with its inputs resolved. */
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import type { AccountRegion } from "../../stacks/definitions/deployment.ts";
import { createdResource, dataSource, placesByProvider } from "./aws-answers.ts";
import { platformDirectory, root } from "./platform.ts";

type Inputs = Readonly<Record<string, unknown>>;

/** A resource as the engine would receive it. */
export interface RenderedResource {
  readonly type: string;
  readonly name: string;
  /** Present for AWS resources. */
  readonly region?: string;
  readonly inputs: Inputs;
  readonly protect?: true;
  readonly retainOnDelete?: true;
  readonly ignoreChanges?: readonly string[];
}

interface Registration {
  getType(): string;
  getName(): string;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getIgnorechangesList(): readonly string[];
}

interface MockArguments {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly provider?: string;
  readonly custom?: boolean;
}

/** The used part of `@pulumi/pulumi/runtime`, in the version that SST's platform pins. */
interface PulumiRuntime {
  setMocks(
    mocks: {
      newResource(resource: MockArguments): { readonly id: string; readonly state: Inputs };
      call(call: { readonly token: string; readonly inputs: Inputs; readonly provider?: string }): Inputs;
    },
    project: string,
    stack: string,
    preview: boolean,
    organization: string,
  ): Promise<void>;
  setConfig(key: string, value: string): void;
  runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
}
interface MockMonitorClass {
  readonly prototype: { registerResource(request: Registration, callback: unknown): unknown };
}

export interface Recorder {
  /** The registered resources, sorted by type and name. */
  resources(): readonly RenderedResource[];
  /** Runs the program. Resolves when every resource is registered. */
  run(program: () => Promise<unknown>): Promise<unknown>;
}

const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** Creates the recorder. Works once per process, because Pulumi keeps its state in its modules. */
export async function createRecorder(options: {
  readonly project: string;
  readonly stage: string;
  readonly home: AccountRegion;
  readonly providerConfig: Inputs;
}): Promise<Recorder> {
  const load = createRequire(join(platformDirectory, "package.json"));
  // The platform has its own packages, which have no types here.
  const runtime = load("@pulumi/pulumi/runtime") as PulumiRuntime;
  const { MockMonitor } = load("@pulumi/pulumi/runtime/mocks") as { readonly MockMonitor: MockMonitorClass };
  const recorded = new Map<string, RenderedResource>();
  const { rememberProvider, placeOf } = placesByProvider(options.home);
  const optionsOf = recordOptions(MockMonitor);

  await runtime.setMocks(
    {
      newResource: (resource) => {
        const { type, name } = resource;
        const inputs = plainObject(resource.inputs);
        rememberProvider(type, name, inputs);
        if (type === "pulumi:pulumi:Stack") return { id: "", state: {} };
        const key = `${type} ${name}`;
        if (recorded.has(key)) throw new Error(`two resources have the name ${key}`);
        const place = placeOf(resource.provider);
        const region = type.startsWith("aws:") ? { region: place.region } : {};
        recorded.set(key, { type, name, ...region, inputs, ...optionsOf(key) });
        if (resource.custom === false) return { id: "", state: {} };
        const { id, state } = createdResource(type, name, inputs, place);
        return { id, state: { ...resource.inputs, ...state } };
      },
      call: ({ token, inputs, provider }) => dataSource(token, plainObject(inputs), placeOf(provider)),
    },
    options.project,
    options.stage,
    false,
    "organization",
  );
  for (const [key, value] of Object.entries(options.providerConfig)) {
    runtime.setConfig(`aws:${key}`, typeof value === "string" ? value : JSON.stringify(value));
  }
  return {
    resources: () => [...recorded].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource),
    run: async (program) => {
      const result = await runtime.runInPulumiStack(program);
      // Outputs that resolve later may still register resources. Nothing is left to do when the process is about to
      // exit.
      await new Promise((resolve) => process.once("beforeExit", resolve));
      return result;
    },
  };
}

/** Reads a resource's options from its registration request, because mocks don't receive them. */
function recordOptions({ prototype }: MockMonitorClass): (key: string) => Partial<RenderedResource> {
  const options = new Map<string, Partial<RenderedResource>>();
  const register = prototype.registerResource;
  prototype.registerResource = function (request, callback) {
    const ignoreChanges = request.getIgnorechangesList();
    options.set(`${request.getType()} ${request.getName()}`, {
      ...(request.getProtect() && { protect: true }),
      ...(request.getRetainondelete() && { retainOnDelete: true }),
      ...(ignoreChanges.length > 0 && { ignoreChanges }),
    });
    return register.call(this, request, callback);
  };
  return (key) => options.get(key) ?? {};
}

function plainObject(inputs: Inputs): Inputs {
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, plain(value)]),
  );
}

/** The value without Pulumi's wrappers: secrets are replaced by their values, files and resources by their names. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const members: Inputs = { ...value };
  if ("__pulumiAsset" in value || "__pulumiArchive" in value) return { $file: fileOf(members.path) };
  if ("__pulumiResource" in value) return { $resource: String(members.__name ?? "") };
  if (SIGNATURE in value) return plain(members.value);
  return plainObject(members);
}

function fileOf(path: unknown): string {
  return typeof path === "string" ? relative(root, path) : "in memory";
}
