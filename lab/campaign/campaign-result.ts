import type { Lab } from "../autopilot/lab.ts";
import type { Actors } from "./actors.ts";
import type { WaysBack } from "./ways-back.ts";

/** The state after a run, as the invariants judge it. */
export interface CampaignResult {
  readonly lab: Lab;
  readonly actors: Actors;
  /** Epoch milliseconds. */
  readonly faultsEndedMs: number;
  /** The run had no faults and no event came twice. */
  readonly isCalm: boolean;
  /** What reverts have recorded. */
  readonly waysBack: Pick<WaysBack, "broken">;
}
