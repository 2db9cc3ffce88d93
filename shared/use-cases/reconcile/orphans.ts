import { minutesToMs } from "../../base/durations.ts";
import { orphanReasonOf } from "../../enrollment/membership.ts";
import { placeName } from "../../enrollment/needs.ts";
import { servicesOrphaned } from "../../events/mesh-events.ts";
import type { OrphanReason } from "../../model/reasons.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { claimNotice, type NewNotice } from "../observe/notify-once.ts";
import type { KeepCalls, Sightings } from "./keeping.ts";

/** An account may refuse the autopilot while its roles are deployed again. */
const UNREADABLE_MS = minutesToMs(60);

type Orphaned = NonNullable<ServiceState["orphaned"]>;

interface Due {
  readonly serviceArn: string;
  readonly why: OrphanReason;
  readonly orphaned: Orphaned;
  readonly state: ServiceState;
}

/**
 * Records which services in the mesh no sweep reads any more, and since when, and notifies of them once, all together.
 * They stay members of their mesh: they hold the gate of a root CA rotation until they are kept again or released.
 */
export async function followOrphans(
  states: readonly ServiceState[],
  sightings: Sightings,
  calls: Pick<KeepCalls, "config" | "ledger" | "bus" | "now">,
): Promise<void> {
  const due: Due[] = [];
  for (const state of states) {
    const { serviceArn } = state;
    const [, , , region = "", account = ""] = serviceArn.split(":");
    const why = orphanReasonOf(state, calls.config, sightings.get(placeName({ account, region })));
    const orphaned = why === undefined ? undefined : since(state, why, calls.now());
    if (why !== undefined && orphaned && isDue(orphaned, why, calls.now()))
      due.push({ serviceArn, why, orphaned, state });
    else if (orphaned !== state.orphaned)
      await calls.ledger.patchService(serviceArn, { orphaned: orphaned ?? null, notifiedOrphaned: null });
  }
  const claimed: typeof due = [];
  // What a crash keeps from being emitted is claimed again by the next sweep.
  for (const one of due) {
    if (await claimNotice(one, orphanNotice(one), calls)) claimed.push(one);
  }
  if (claimed.length === 0) return;
  await calls.bus.putEvents([servicesOrphaned("orphaned", claimed)]);
  for (const one of claimed) {
    const orphaned = { ...one.orphaned, isNotified: true };
    await calls.ledger.recordNotice(one.serviceArn, orphanNotice(one), { orphaned });
  }
}

function orphanNotice({ why: text, state }: Due): NewNotice {
  return { member: "notifiedOrphaned", text, read: { text: state.notifiedOrphaned } };
}

function since({ orphaned }: ServiceState, why: OrphanReason, nowMs: number): Orphaned {
  return orphaned?.why === why ? orphaned : { why, sinceMs: nowMs, isNotified: false };
}

function isDue({ isNotified, sinceMs }: Orphaned, why: OrphanReason, nowMs: number): boolean {
  return !isNotified && nowMs - sinceMs >= (why === "unreadable" ? UNREADABLE_MS : 0);
}
