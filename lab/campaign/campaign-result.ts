import type { Lab } from "../autopilot/lab.ts";
import type { Actors } from "./actors.ts";

/** The state after a run, as the invariants judge it. */
export interface CampaignResult {
  readonly lab: Lab;
  readonly actors: Actors;
  /** Epoch milliseconds. */
  readonly faultsEndedMs: number;
  /** The run had no faults and no event came twice. */
  readonly isCalm: boolean;
  /** The kinds of the faults that there were. */
  readonly faultKinds: ReadonlySet<string>;
  /** What was violated while the run went on: what reverts recorded, and bindings. */
  readonly watched: readonly { readonly broken: readonly string[] }[];
}
