import type { LabDriver } from "./lab-driver.ts";

/** One act of the story: it throws `ActFailed` when something does not come out as it should. */
export interface Act {
  readonly name: string;
  /** What somebody does, in one sentence. */
  readonly intro: string;
  /** Told by its rollout's waves alone, not by every roll. */
  readonly quiet?: boolean;
  readonly play: (stage: LabDriver) => Promise<void>;
}
