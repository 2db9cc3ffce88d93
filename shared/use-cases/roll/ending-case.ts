import type { ServiceState } from "../../model/service-state.ts";
import type { Ending } from "./ending.ts";

/** The ledger's state of a service as its roll ends. It decides what is left to write. */
export type EndingCase =
  /** The roll holds the lease: its outcome is written, and the lease released. */
  | { readonly case: "release"; readonly state: ServiceState }
  /** An earlier attempt of this step has written the outcome: nothing is left to write. */
  | { readonly case: "repeat"; readonly state: ServiceState }
  /** Another roll has ended since this one was planned: the ledger's state of the service is newer. */
  | { readonly case: "overtaken"; readonly state: ServiceState }
  /** The roll never had the lease, or lost it to one that has yet to end: only a failure is counted. */
  | { readonly case: "stray"; readonly state: ServiceState | undefined };

/** The one case that holds for the end of a roll. The first that applies is it, in the order of `EndingCase`. */
export function endingCase(
  state: ServiceState | undefined,
  { executionName, plan }: Pick<Ending, "executionName" | "plan">,
): EndingCase {
  if (!state) return { case: "stray", state };
  const { roll, lastOutcome } = state;
  if (roll?.executionName === executionName) return { case: "release", state };
  if (lastOutcome?.executionName === executionName) return { case: "repeat", state };
  const overtaken = lastOutcome && plan && Date.parse(lastOutcome.at) >= plan.startedAtMs;
  return { case: overtaken ? "overtaken" : "stray", state };
}
