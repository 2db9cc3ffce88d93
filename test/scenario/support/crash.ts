import { expect } from "vitest";
import type { LabDriver, ServiceName } from "../../../lab/story/lab-driver.ts";
import { eventTypesOf, expectAtRest, outcomesOf, revisionsOf } from "./witness.ts";

/** A call of a run by its name, and how many of the same name came before it. */
export interface CallOfRun {
  readonly call: string;
  readonly earlier: number;
}

/** Every call that the functions of a service's last roll have made. */
export function callsOfLastRoll(stage: LabDriver, service: ServiceName): readonly CallOfRun[] {
  const calls = stage.rollsOf(service).at(-1)?.calls ?? {};
  return Object.entries(calls).flatMap(([call, count]) =>
    Array.from({ length: count }, (_, earlier) => ({ call, earlier })),
  );
}

/** Lets a function of a roll die once, at this call. */
export function crashAt(stage: LabDriver, { call, earlier }: CallOfRun, when: "before" | "after"): void {
  stage.lab.faults.add({ kind: "lambda-crash", match: { function: "roll/*", call }, skip: earlier, count: 1, when });
}

/** The crash has happened, and all that it left is what a run without it leaves. */
export async function expectAsWithoutCrash(
  stage: LabDriver,
  service: ServiceName,
  wanted: { readonly outcomes: readonly string[]; readonly events: readonly string[]; readonly revisions: number },
): Promise<void> {
  const crashes = stage.lab.faults.list().filter(({ kind }) => kind === "lambda-crash");
  expect(crashes.map(({ struck }) => struck)).toEqual([1]);
  await expectAtRest(stage, service);
  expect(outcomesOf(stage, service)).toEqual(wanted.outcomes);
  expect(await revisionsOf(stage, service, service.name), "a retried step makes no second revision").toHaveLength(
    wanted.revisions,
  );
  // What was told before the crash is told again: at least once.
  const [rule] = crashes;
  const twice = rule?.when === "after" && rule.match.call === "events.PutEvents";
  const told = eventTypesOf(stage, service);
  expect(twice ? told.slice(0, -1) : told).toEqual(wanted.events);
  expect(stage.lab.lambda.deadLetters).toEqual([]);
}
