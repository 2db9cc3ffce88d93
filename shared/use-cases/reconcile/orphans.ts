import { minutesToMs } from "../../base/durations.ts";
import { orphanReasonOf } from "../../enrollment/membership.ts";
import { placeName } from "../../enrollment/needs.ts";
import { servicesOrphaned } from "../../events/mesh-events.ts";
import type { OrphanReason } from "../../model/reasons.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { claimNotice } from "../observe/notify-once.ts";
import type { KeepCalls, Sightings } from "./keeping.ts";

/** An account may refuse the autopilot while its roles are deployed again. */
const UNREADABLE_MS = minutesToMs(60);

type Orphaned = NonNullable<ServiceState["orphaned"]>;

/**
 * Records which services in the mesh no sweep reads any more, and since when, and notifies of them once, all together.
 * They stay members of their mesh: they hold the gate of a root CA rotation until they are kept again or released.
 */
export async function followOrphans(
  states: readonly ServiceState[],
  sightings: Sightings,
  calls: Pick<KeepCalls, "config" | "ledger" | "bus" | "now">,
): Promise<void> {
  const due: { readonly serviceArn: string; readonly why: OrphanReason; readonly orphaned: Orphaned }[] = [];
  for (const state of states) {
    const { serviceArn } = state;
    const [, , , region = "", account = ""] = serviceArn.split(":");
    const why = orphanReasonOf(state, calls.config, sightings.get(placeName({ account, region })));
    const orphaned = why === undefined ? undefined : since(state, why, calls.now());
    if (why !== undefined && orphaned && isDue(orphaned, why, calls.now())) due.push({ serviceArn, why, orphaned });
    else if (orphaned !== state.orphaned)
      await calls.ledger.patchService(serviceArn, { orphaned: orphaned ?? null, notifiedOrphaned: null });
  }
  const claimed: typeof due = [];
  // What a crash keeps from being emitted is claimed again by the next sweep.
  for (const one of due) {
    if (await claimNotice(one, { member: "notifiedOrphaned", text: one.why }, calls)) claimed.push(one);
  }
  if (claimed.length === 0) return;
  await calls.bus.putEvents([servicesOrphaned("orphaned", claimed)]);
  for (const { serviceArn, why, orphaned } of claimed) {
    const notified = { ...orphaned, isNotified: true };
    await calls.ledger.patchService(serviceArn, { orphaned: notified, notifiedOrphaned: why, notice: null });
  }
}

function since({ orphaned }: ServiceState, why: OrphanReason, nowMs: number): Orphaned {
  return orphaned?.why === why ? orphaned : { why, sinceMs: nowMs, isNotified: false };
}

function isDue({ isNotified, sinceMs }: Orphaned, why: OrphanReason, nowMs: number): boolean {
  return !isNotified && nowMs - sinceMs >= (why === "unreadable" ? UNREADABLE_MS : 0);
}
