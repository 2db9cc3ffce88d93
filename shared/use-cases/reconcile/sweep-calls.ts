import type { Place } from "../../base/arn.ts";
import type { Decision } from "../../enrollment/decision.ts";
import type { GoneLedger, Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { EcsCalls, Log, SecretsCalls } from "../../ports/ports.ts";
import type { ObservedState } from "../observe/observe.ts";
import type { TaskReads } from "../observe/observe-tasks.ts";
import type { AbandonedCalls } from "./abandoned.ts";
import type { ReconcileCalls } from "./act-on-decision.ts";
import type { KeepCalls } from "./keeping.ts";
import type { States } from "./known-ledger.ts";
import type { SettledServices } from "./settled.ts";
import type { Sighting } from "./sighting.ts";
import type { SweepReads } from "./sweep-reads.ts";
import type { Tally } from "./sweep-tally.ts";

/** What sweeping single services needs. */
type ServicesLedger = Pick<
  Ledger,
  | "noteService"
  | "patchService"
  | "claimNotice"
  | "recordNotice"
  | "claimRepair"
  | "forgetService"
  | "raiseAttempt"
  | "getService"
  | "getMesh"
  | "listServices"
  | "listKnown"
> &
  AbandonedCalls["ledger"] &
  KeepCalls["ledger"] &
  Pick<RolloutLedger, "getFleet">;

export interface SweepCalls extends Omit<ReconcileCalls, "ecs"> {
  readonly controlPlane: KeepCalls["controlPlane"];
  readonly ecs: (place: Place) => EcsCalls;
  readonly secrets: (place: Place) => SecretsCalls;
  readonly ledger: ServicesLedger & GoneLedger;
  readonly executions: ReconcileCalls["executions"] & AbandonedCalls["executions"];
  readonly log: Log;
  /** What earlier sweeps found settled. Without it every task definition is read. */
  readonly settled?: SettledServices;
  readonly policies?: KeepCalls["policies"];
}

export interface ServiceCalls extends Omit<SweepCalls, "secrets" | "controlPlane" | "ledger"> {
  readonly ledger: ServicesLedger;
  readonly states: States;
  readonly reads: SweepReads;
  readonly tally: Tally;
  readonly taskReads: TaskReads["budget"];
  /** Notes what runs for a ledger that was emptied or restored: by sweeps of everything alone. */
  readonly noteAdopted?: (observed: ObservedState, decision: Decision, calls: PlaceCalls) => Promise<void>;
}

/** The services of one account and region as they are swept. */
export interface PlaceCalls extends Omit<ServiceCalls, "ecs"> {
  readonly ecs: EcsCalls;
  readonly sighting: Sighting;
  /** New services, which are enrolled once it is known who else uses their families. */
  readonly waiting: Waiting[];
}

/** A new service, and what was decided about it. */
export interface Waiting {
  readonly observed: ObservedState;
  readonly decision: Decision;
  /** The tally has it already. */
  readonly isSeen: boolean;
}
