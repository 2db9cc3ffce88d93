import { expect } from "vitest";
import type { LabDriver, ServiceName } from "../../../lab/story/lab-driver.ts";
import { eventTypesOf, expectAtRest, outcomesOf, revisionsOf } from "./inspect.ts";

/** A call of a run: its name, and how many calls of this name came before it. */
export interface CallOfRun {
  readonly call: string;
  readonly earlier: number;
}

/** Every call of the functions in the service's last roll. */
export function callsOfLastRoll(driver: LabDriver, service: ServiceName): readonly CallOfRun[] {
  const calls = driver.rollsOf(service).at(-1)?.calls ?? {};
  return Object.entries(calls).flatMap(([call, count]) =>
    Array.from({ length: count }, (_, earlier) => ({ call, earlier })),
  );
}

/** Makes a function of a roll crash once, at this call. */
export function crashAt(driver: LabDriver, { call, earlier }: CallOfRun, when: "before" | "after"): void {
  driver.lab.faults.add({ kind: "lambda-crash", match: { function: "roll/*", call }, skip: earlier, count: 1, when });
}

/** Expects that the crash happened, and that the result is the same as without it. */
export async function expectAsWithoutCrash(
  driver: LabDriver,
  service: ServiceName,
  wanted: { readonly outcomes: readonly string[]; readonly events: readonly string[]; readonly revisions: number },
): Promise<void> {
  const crashes = driver.lab.faults.list().filter(({ kind }) => kind === "lambda-crash");
  expect(crashes.map(({ struck }) => struck)).toEqual([1]);
  await expectAtRest(driver, service);
  expect(outcomesOf(driver, service)).toEqual(wanted.outcomes);
  expect(await revisionsOf(driver, service, service.name), "a retried step registers no second revision").toHaveLength(
    wanted.revisions,
  );
  // An event that was emitted before the crash is emitted again: delivery is at least once.
  const [rule] = crashes;
  const twice = rule?.when === "after" && rule.match.call === "events.PutEvents";
  const emitted = eventTypesOf(driver, service);
  expect(twice ? emitted.slice(0, -1) : emitted).toEqual(wanted.events);
  expect(driver.lab.lambda.deadLetters).toEqual([]);
}
