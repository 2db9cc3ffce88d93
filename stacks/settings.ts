import { LAB_STAGE, productionStages } from "../shared/base/vocabulary.ts";

/** What differs between stages, and nothing else. */
export interface StageSettings {
  /** Deleting a stack must not take state or history with it. */
  readonly removal: "retain" | "remove";
  /** `sst remove` refuses. */
  readonly protect: boolean;
  readonly deletionProtection: boolean;
  /** How long logs are kept, in SST's words and in days. */
  readonly logRetention: "1 month" | "1 year";
  readonly logRetentionDays: 30 | 365;
  readonly xRay: boolean;
}

const production: StageSettings = {
  removal: "retain",
  protect: true,
  deletionProtection: true,
  logRetention: "1 year",
  logRetentionDays: 365,
  xRay: false,
};

const development: StageSettings = {
  removal: "remove",
  protect: false,
  deletionProtection: false,
  logRetention: "1 month",
  logRetentionDays: 30,
  xRay: false,
};

/** The settings of a stage. Throws for the lab's name: commands that name it are for the lab. */
export function stageSettings(stage: string): StageSettings {
  if (stage === LAB_STAGE) throw new Error(`"${LAB_STAGE}" names the lab: deploy under another stage.`);
  return productionStages.includes(stage) ? production : development;
}
