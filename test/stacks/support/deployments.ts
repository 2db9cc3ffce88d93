import { beforeAll } from "vitest";
import autopilotConfig from "../../../autopilot.config.ts";
import { type Rendered, rendered } from "./rendered.ts";
import wideConfig from "./wide.config.ts";

/** The tested deployments: two of the default configuration, and one of a wide configuration. */
export const deployments = [
  { title: "stage dev", stage: "dev", input: autopilotConfig, configFile: undefined },
  { title: "stage production", stage: "production", input: autopilotConfig, configFile: undefined },
  {
    title: "several regions and accounts, stage prod",
    stage: "prod",
    input: wideConfig,
    configFile: "test/stacks/support/wide.config.ts",
  },
] as const;

/** Rendering takes seconds. Installing SST's components, which may be necessary, takes a minute. */
const RENDERING_MS = 10 * 60_000;

/** The graphs of all deployments by title. They are rendered before the file's first test. */
export function renderedDeployments(): ReadonlyMap<string, Rendered> {
  const graphs = new Map<string, Rendered>();
  beforeAll(async () => {
    for (const { title, stage, configFile } of deployments) graphs.set(title, await rendered(stage, configFile));
  }, RENDERING_MS);
  return graphs;
}
