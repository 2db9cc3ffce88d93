import type { LabDriver } from "./lab-driver.ts";

/** One act of the story. It throws `ActFailed` when the lab doesn't reach the expected state. */
export interface Act {
  readonly name: string;
  /** One sentence about what happens in the act. */
  readonly intro: string;
  /** The narrator prints the rollout's waves, and no single rolls. */
  readonly quiet?: boolean;
  readonly play: (driver: LabDriver) => Promise<void>;
}
