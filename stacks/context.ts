import autopilotConfig from "../autopilot.config.ts";
import { type Config, parseConfig } from "../shared/config/config.ts";
import type { AutopilotDeployment } from "./definitions/deployment.ts";
import { deploymentOf } from "./deployment.ts";
import { type StageSettings, stageSettings } from "./settings.ts";

/** What every file of the stacks starts from. */
export interface Context {
  readonly stage: string;
  readonly config: Config;
  readonly deployment: AutopilotDeployment;
  readonly settings: StageSettings;
}

/** The context of the stage that is deployed. Throws `invalid-config` that names every wrong field. */
export function context(): Context {
  const { stage } = $app;
  const config = parseConfig(autopilotConfig, stage);
  return { stage, config, deployment: deploymentOf(config, stage), settings: stageSettings(stage) };
}
