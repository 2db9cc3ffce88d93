import { type FoundProblem, withNotified, withProblem } from "../../enrollment/shared-problems.ts";
import { meshIdentityWarned } from "../../events/mesh-events.ts";
import type { Keeping } from "./keeping.ts";

/** Services that an event names. */
const MOST_SERVICES = 20;

/** What was found of a thing that services share: a problem, or that there is none. */
export interface CheckedThing {
  readonly controlPlane: string;
  /** The subject of its claim. */
  readonly subject: string;
  readonly found: FoundProblem | undefined;
  readonly services: readonly string[];
}

/**
 * Records the problem in the claim, notifies of it once, and forgets it when it has ended. What a crash keeps from
 * being emitted is emitted by the next sweep.
 */
export async function reportProblem(
  { controlPlane, subject, found, services }: CheckedThing,
  { claims, calls }: Pick<Keeping, "claims" | "calls">,
): Promise<void> {
  if (!found && !claims.get(subject)?.problem) return;
  const { result: isNew } = await calls.ledger.changeClaim(subject, (claim) => {
    const { next, isNew } = withProblem(claim, { subject, found, nowMs: calls.now() });
    return { next, result: isNew };
  });
  if (!found || !isNew) return;
  const named = services.slice(0, MOST_SERVICES);
  await calls.bus.putEvents([meshIdentityWarned({ controlPlane, ...found, services: named })]);
  await calls.ledger.changeClaim(subject, (claim) => ({ next: withNotified(claim, found) }));
}
