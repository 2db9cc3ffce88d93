import { describe, expect, it } from "vitest";
import { expiringItems } from "../../../lab/ledger/expiring-items.ts";
import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { rollout, rolloutService } from "../../support/rollouts.ts";

const EXPIRES_AT = 1_800_000_000;
const HOUR_MS = 3_600_000;

function ledgerAt(seed: number) {
  let now = EXPIRES_AT * 1000 - 1;
  const items = expiringItems({ now: () => now, seed });
  return { items, ledger: memoryLedger(items), pass: (ms: number) => (now += ms) };
}

/** The hours from its expiration until an item is gone. */
async function hoursUntilGone(seed: number, id: string): Promise<number> {
  const { ledger, pass } = ledgerAt(seed);
  await ledger.createRollout(rollout({ id, expiresAt: EXPIRES_AT }));
  expect(await ledger.getRollout(id), "before it expires").toBeDefined();
  pass(1);
  for (let hours = 0; hours <= 48; hours += 1) {
    if ((await ledger.getRollout(id)) === undefined) return hours;
    pass(HOUR_MS);
  }
  return Number.POSITIVE_INFINITY;
}

describe("items with a time to live in the lab's ledger", () => {
  it("are there until they expire, and for up to 48 hours after that, as the seed decides", async () => {
    const hours: number[] = [];
    for (let seed = 1; seed <= 20; seed += 1) hours.push(await hoursUntilGone(seed, "rotate-x"));
    expect(Math.max(...hours)).toBeLessThanOrEqual(48);
    expect(Math.max(...hours)).toBeGreaterThan(24);
    expect(Math.min(...hours)).toBeLessThan(24);
    expect(await hoursUntilGone(7, "rotate-x")).toBe(hours[6]);
  });

  it("go one by one: a rollout may be there without some of its services", async () => {
    const { ledger, items, pass } = ledgerAt(1);
    const ordinals = Array.from({ length: 20 }, (_, ordinal) => ordinal);
    await ledger.putRolloutServices(
      ordinals.map((ordinal) => rolloutService(ordinal, { rolloutId: "rotate-x", expiresAt: EXPIRES_AT })),
    );
    pass(24 * HOUR_MS);
    const left = await Array.fromAsync(ledger.listRolloutServices("rotate-x"));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(20);
    expect(items.size).toBe(left.length);
    pass(24 * HOUR_MS);
    expect([...items]).toEqual([]);
  });

  it("can be written while they have expired and are there, and live on by a new time", async () => {
    const { ledger, pass } = ledgerAt(1);
    await ledger.createRollout(rollout({ id: "rotate-x", expiresAt: EXPIRES_AT }));
    pass(2);
    expect(await ledger.createRollout(rollout({ id: "rotate-x", expiresAt: EXPIRES_AT }))).toBe(false);
    await ledger.changeRollout("rotate-x", (rollout) => ({
      next: { ...rollout, expiresAt: EXPIRES_AT + 86_400 * 30 },
    }));
    pass(20 * 24 * HOUR_MS);
    expect(await ledger.getRollout("rotate-x")).toBeDefined();
  });

  it("leave items without a time alone", async () => {
    const { ledger, pass } = ledgerAt(1);
    await ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: "rotate-x" } }));
    pass(10_000 * HOUR_MS);
    expect((await ledger.getFleet()).currentRolloutId).toBe("rotate-x");
  });
});
