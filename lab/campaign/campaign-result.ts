import type { Lab } from "../autopilot/lab.ts";
import type { Actors } from "./actors.ts";

/** What a run leaves behind, for those who judge it. */
export interface CampaignResult {
  readonly lab: Lab;
  readonly people: Actors;
  /** Epoch milliseconds. */
  readonly faultsEndedMs: number;
}
