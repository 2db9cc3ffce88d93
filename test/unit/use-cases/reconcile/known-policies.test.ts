import { describe, expect, it } from "vitest";
import { newClaim } from "../../../../shared/model/claim.ts";
import {
  knownPolicies,
  type ListedSecret,
  policiesToRead,
} from "../../../../shared/use-cases/reconcile/known-policies.ts";

const SWEEP_MS = 15 * 60_000;

const secrets = (count: number, changedMs: number | undefined = 1): readonly ListedSecret[] =>
  Array.from({ length: count }, (_, index) => ({
    claim: newClaim(`secret 1 us-east-1 ${String(index).padStart(4, "0")}`),
    secretArn: `arn:${index}`,
    changedMs,
  }));

const namesOf = (read: readonly ListedSecret[]) => read.map(({ secretArn }) => secretArn);

describe("the policies that a sweep reads", () => {
  it("are all of those that no sweep has read yet, a hundred at a time", () => {
    const known = knownPolicies();
    const all = secrets(150);
    const read: number[] = [];
    for (let sweep = 0; sweep < 3; sweep += 1) {
      const due = policiesToRead(all, { known, services: 1500, nowMs: 0 });
      for (const secret of due) known.note(secret);
      read.push(due.length);
    }
    // Those whose turn it is are read each time.
    expect(read).toEqual([104, 50, 4]);
  });

  it("are those of secrets that somebody has changed since, or whose claim has changed", () => {
    const known = knownPolicies();
    const all = secrets(60);
    for (const secret of all) known.note(secret);
    const turn = namesOf(policiesToRead(all, { known, services: 600, nowMs: 0 }));
    const [, , edited, claimed, ...others] = all;
    if (!edited || !claimed) throw new Error("no secrets");
    const next = [
      ...all.slice(0, 2),
      { ...edited, changedMs: 2 },
      { ...claimed, claim: { ...claimed.claim, version: 7 } },
    ];
    const read = namesOf(policiesToRead([...next, ...others], { known, services: 600, nowMs: 0 }));
    expect(new Set(read)).toEqual(new Set([...turn, edited.secretArn, claimed.secretArn]));
  });

  it("are, within twelve hours, all of them, even if no date has changed", () => {
    const known = knownPolicies();
    const all = secrets(100);
    for (const secret of all) known.note(secret);
    const read = Array.from({ length: 48 }, (_, sweep) =>
      namesOf(policiesToRead(all, { known, services: 1000, nowMs: sweep * SWEEP_MS })),
    );
    expect(new Set(read.flat()).size).toBe(100);
    expect(Math.max(...read.map(({ length }) => length))).toBeLessThanOrEqual(3);
  });

  it("are one each sweep in a small fleet", () => {
    const known = knownPolicies();
    const all = secrets(4);
    for (const secret of all) known.note(secret);
    const read = [0, 1, 2, 3].map((sweep) =>
      namesOf(policiesToRead(all, { known, services: 20, nowMs: sweep * SWEEP_MS })),
    );
    expect(read).toEqual([["arn:0"], ["arn:1"], ["arn:2"], ["arn:3"]]);
  });

  it("are a few where no date says whether they were changed", () => {
    const known = knownPolicies();
    const all = secrets(60).map((secret) => ({ ...secret, changedMs: undefined }));
    for (const secret of all) known.note(secret);
    expect(policiesToRead(all, { known, services: 600, nowMs: 0 })).toHaveLength(2 + 5);
  });

  it("are none of no secrets", () => {
    expect(policiesToRead([], { known: knownPolicies(), services: 0, nowMs: 0 })).toEqual([]);
  });
});
