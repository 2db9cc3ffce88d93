import { minutesToMs } from "../../base/durations.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { ownSidecar } from "../../enrollment/wish.ts";
import type { FleetState } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/ports.ts";
import { majorityOf } from "../../rollout/ledger-fence.ts";
import { adoptionKey, type ObservedState } from "../observe/observe.ts";
import type { Sightings } from "./keeping.ts";
import type { PlaceCalls } from "./sweep-calls.ts";

/** While a restored ledger adopts what runs: counts the images, and notes what the service lacks at the end. */
export async function noteAdopted(observed: ObservedState, decision: Decision, calls: PlaceCalls): Promise<void> {
  const { adopting } = await calls.reads.fleet();
  if (!adopting) return;
  const { service, definition, state } = observed;
  const sidecar = definition && ownSidecar(definition.raw, calls.config.keys);
  if (sidecar?.kind === "ours") calls.sighting.images.push(sidecar.image);
  if (decision.action !== "none" || !decision.waiting) return;
  calls.sighting.differing += 1;
  const adopted = adoptionKey(service, decision.waiting, calls.config);
  if (adopting.stage === "proposing" && state?.adopted !== adopted)
    await calls.ledger.patchService(service.ref.serviceArn, { adopted });
}

interface AdoptCalls {
  readonly ledger: Pick<RolloutLedger, "changeFleet">;
  readonly log: Pick<Log, "info">;
  readonly now: () => number;
}

/** After this time, places that can't be read are waited for no longer. */
const PATIENCE_MS = minutesToMs(90);

/**
 * After a sweep of a ledger that was emptied or restored: the image that most services run is taken as released; with
 * the next sweep, which has recorded for each service what differs from that, the fleet is adopted.
 */
export async function adopt(
  fleet: FleetState | undefined,
  sightings: Sightings,
  { ledger, log, now }: AdoptCalls,
): Promise<void> {
  const { adopting } = fleet ?? {};
  if (!adopting || adopting.stage === "adopted") return;
  const places = [...sightings.values()];
  const isComplete = places.every(({ servicesRead }) => servicesRead);
  if (!isComplete && now() - Date.parse(adopting.since) < PATIENCE_MS) return;
  const image = majorityOf(places.flatMap(({ images }) => images));
  const differing = places.reduce((sum, one) => sum + one.differing, 0);
  const isCounting = adopting.stage === "counting";
  await ledger.changeFleet((current) => {
    if (current.adopting?.since !== adopting.since || current.adopting.stage !== adopting.stage) return {};
    const next = { ...current.adopting, stage: isCounting ? "proposing" : "adopted", differing } as const;
    const released = isCounting && image !== undefined ? { image: { image, assignedAtMs: now() } } : {};
    return { next: { ...current, ...released, adopting: next } };
  });
  log.info(isCounting ? "counted what runs" : "recorded what differs", { ...(image && { image }), differing });
}
