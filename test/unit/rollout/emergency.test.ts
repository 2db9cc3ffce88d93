import { describe, expect, it } from "vitest";
import { emergencyNotice, emergencyStep } from "../../../shared/rollout/emergency.ts";
import { rollout } from "../../support/rollouts.ts";
import { NOON } from "../../support/times.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const at = (ms: number) => new Date(ms).toISOString();
const ended = (status: "completed" | "failed" | "aborted" | "refused") =>
  rollout({ status, emergency: true, finishedAt: at(NOON) });
const stopped = rollout({
  ...ended("completed"),
  control: { action: "abort", by: "ann", at: at(NOON + MINUTE) },
});
const emergency = { rolloutId: "rotate-1", attempts: 1, countedAt: at(NOON + MINUTE) };
const calm = { isRotating: false, nowMs: NOON + 5 * MINUTE };

describe("a rotation that has left tasks cut off", () => {
  it.each([
    [1, 5],
    [2, 10],
    [3, 20],
    [4, 40],
    [5, 60],
    [40, 60],
  ])("is repeated, after attempt %i in %i minutes", (attempts, minutes) => {
    const due = NOON + minutes * MINUTE;
    const given = { ...emergency, attempts };
    expect(emergencyStep(given, ended("completed"), { ...calm, nowMs: due - 1 })).toEqual({ do: "wait" });
    const next = { do: "repeat", attempt: attempts + 1 };
    expect(emergencyStep(given, ended("completed"), { ...calm, nowMs: due })).toEqual(next);
    expect(emergencyStep(given, ended("failed"), { ...calm, nowMs: due })).toEqual(next);
  });

  it.each([
    ["while another rotation is under way", emergency, ended("completed"), { ...calm, isRotating: true }],
    ["while it runs itself", emergency, rollout({ status: "running" }), calm],
    ["while it is paused", emergency, rollout({ status: "paused" }), calm],
    ["until somebody has counted after it", { ...emergency, countedAt: at(NOON) }, ended("completed"), calm],
    ["once its record is gone", emergency, undefined, calm],
    [
      "before any, while one is under way",
      { ...emergency, rolloutId: undefined },
      undefined,
      { ...calm, isRotating: true },
    ],
  ])("waits %s", (_when, given, last, known) => {
    expect(emergencyStep(given, last, known)).toEqual({ do: "wait" });
  });

  it("is requested at once where tasks are cut off and none was", () => {
    const given = { attempts: 0, countedAt: at(NOON), rolloutId: undefined };
    expect(emergencyStep(given, undefined, calm)).toEqual({ do: "repeat", attempt: 1 });
  });

  it("is not repeated once an operator has stopped it, before its end or after it", () => {
    const later = { ...calm, nowMs: NOON + 30 * DAY };
    expect(emergencyStep(emergency, stopped, later)).toMatchObject({ do: "stopped", by: "ann" });
    const journal = [{ at: at(NOON), by: "bob", did: "abort" }];
    expect(emergencyStep(emergency, { ...ended("aborted"), journal }, later)).toMatchObject({ by: "bob" });
  });
});

describe("people", () => {
  const counted = { ...emergency, since: at(NOON), serviceArns: [], services: 1, tasks: 2 };

  it("are notified once that an attempt has left tasks cut off, and then once a day", () => {
    expect(emergencyNotice(counted, rollout({ status: "running" }), NOON + MINUTE)).toBeUndefined();
    const first = emergencyNotice(counted, ended("completed"), NOON + MINUTE);
    expect(first).toMatchObject({ state: "goes-on" });
    const known = { ...counted, notified: first?.key };
    expect(emergencyNotice(known, ended("completed"), NOON + DAY - 1)).toBeUndefined();
    expect(emergencyNotice(known, rollout({ status: "running" }), NOON + DAY)).toMatchObject({ state: "goes-on" });
  });

  it("are notified at once that somebody has stopped it, and then once a day", () => {
    const first = emergencyNotice({ ...counted, notified: "goes on, day 0" }, stopped, NOON + 2 * MINUTE);
    expect(first).toMatchObject({ state: "stopped", by: "ann" });
    const known = { ...counted, notified: first?.key };
    expect(emergencyNotice(known, stopped, NOON + DAY)).toBeUndefined();
    expect(emergencyNotice(known, stopped, NOON + DAY + MINUTE)).toMatchObject({ state: "stopped" });
  });

  it("are not notified of services that nobody counts as cut off", () => {
    expect(emergencyNotice({ ...counted, services: 0 }, stopped, NOON + DAY)).toBeUndefined();
  });
});
