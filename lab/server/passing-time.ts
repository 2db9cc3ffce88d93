import { setImmediate } from "node:timers/promises";
import type { ScaledClock } from "@ztunnel-autopilot/simulator";

const STEP_SECONDS = 0.25;
/** Turns of the event loop in which what a step woke can go on to its next sleep. */
const QUIET_TURNS = 8;

/**
 * Lets lab time pass in small steps, so that what wakes in between can sleep and wake again: deployments go on as if
 * that time had been waited. While `isBusy`, the clock waits.
 */
export async function passTime(clock: ScaledClock, seconds: number, isBusy: () => boolean): Promise<void> {
  for (let left = seconds; left > 0; left -= STEP_SECONDS) {
    clock.advance(Math.min(left, STEP_SECONDS) * 1000);
    for (let turns = 0; turns < QUIET_TURNS; turns = isBusy() ? 0 : turns + 1) await setImmediate();
  }
}
