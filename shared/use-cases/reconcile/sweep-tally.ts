import type { Config } from "../../config/config.ts";
import type { Decision } from "../../enrollment/decision.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Reconciled } from "./act-on-decision.ts";

/** Numbers of one sweep. `failed` services stay unchanged: an unread service must not be changed. */
export interface SweepResult {
  readonly seen: number;
  readonly started: number;
  readonly refused: number;
  readonly failed: number;
  /** Left for the next sweep by `policy.maxUnenrollPerSweep` or `policy.maxRollsPerSweep`. */
  readonly postponed: number;
  /** Of those, the ones that were to leave the mesh. */
  readonly postponedUnenrolls: number;
  /** Secrets that running services pin and that are still gone after a sweep had them written again. */
  readonly secretsGone: number;
  /** Services that their last roll could not revert and that do not run since. */
  readonly stranded: number;
  /** The accounts and regions of which everything was read, as `account/region`. */
  readonly complete: readonly string[];
  /** In the mesh, by the ledger; and not as their tags ask for, whether or not a roll is under way. */
  readonly enrolled: number;
  readonly drifted: number;
  /** Count of each reason; a service may be refused for several. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Counts what a sweep sees and starts, and how much it may still start. */
export class Tally {
  seen = 0;
  failed = 0;
  secretsGone = 0;
  stranded = 0;
  readonly complete: string[] = [];
  /** Services in the mesh that have no enroll tag of the configuration's key. */
  untagged = 0;
  #started = 0;
  #refused = 0;
  #postponed = 0;
  #postponedUnenrolls = 0;
  #enrolled = 0;
  #drifted = 0;
  readonly #refusals: Record<string, number> = {};
  #rolls: number;
  #unenrolls: number;

  constructor({ policy }: Config) {
    this.#rolls = policy.maxRollsPerSweep;
    this.#unenrolls = policy.maxUnenrollPerSweep;
  }

  /** Counts how the service stands. */
  see(state: ServiceState | undefined, decision: Decision): void {
    if (state?.enrolled) this.#enrolled += 1;
    if (isRoll(decision.action)) this.#drifted += 1;
    if (decision.action !== "refuse") return;
    for (const { reason } of decision.refusals) this.#refusals[reason] = (this.#refusals[reason] ?? 0) + 1;
  }

  /** Counts one more start. False when this sweep has started enough of this kind; accounts are swept side by side. */
  admits(action: Decision["action"]): boolean {
    const left = action === "unenroll" ? this.#unenrolls : this.#rolls;
    if (isRoll(action) && left <= 0) return this.#postpone(action);
    this.#begin(action, 1);
    return true;
  }

  #begin(action: Decision["action"], count: 1 | -1): void {
    if (action === "unenroll") this.#unenrolls -= count;
    else if (isRoll(action)) this.#rolls -= count;
  }

  #postpone(action: Decision["action"]): boolean {
    this.#postponed += 1;
    if (action === "unenroll") this.#postponedUnenrolls += 1;
    return false;
  }

  note(admitted: Decision["action"], done: Reconciled): void {
    if (done.did === "refused") this.#refused += 1;
    if (done.did === "started") this.#started += 1;
    else this.#begin(admitted, -1);
  }

  result(): SweepResult {
    return {
      seen: this.seen,
      started: this.#started,
      refused: this.#refused,
      failed: this.failed,
      postponed: this.#postponed,
      postponedUnenrolls: this.#postponedUnenrolls,
      secretsGone: this.secretsGone,
      stranded: this.stranded,
      complete: this.complete,
      enrolled: this.#enrolled,
      drifted: this.#drifted,
      refusals: this.#refusals,
    };
  }
}

function isRoll(action: Decision["action"]): boolean {
  return action === "enroll" || action === "update" || action === "unenroll";
}
