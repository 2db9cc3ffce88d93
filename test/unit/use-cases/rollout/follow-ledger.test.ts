import { describe, expect, it } from "vitest";
import { type FollowLedgerCalls, followLedger } from "../../../../shared/use-cases/rollout/follow-ledger.ts";
import { fleetTestbed } from "../../../support/testbeds/rollout.ts";

const MARK = "/ztunnel-autopilot/ledger-mark";
const wishedImage = async () => "registry.example.com/ztunnel:1";

async function followed() {
  const testbed = await fleetTestbed();
  const calls: FollowLedgerCalls = { ...testbed, markName: MARK };
  const write = () => testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet } }));
  return { ...testbed, calls, write, follow: (own = calls) => followLedger(wishedImage, own) };
}

describe("the mark beside the ledger", () => {
  it("follows the ledger, which may be written and marked again and again", async () => {
    const { follow, write, parameters } = await followed();
    for (let run = 1; run <= 3; run += 1) {
      await write();
      expect(await follow()).toBe(true);
      expect(parameters.values.get(MARK)).toContain(`"number":${run},`);
      expect(await follow()).toBe(true);
    }
  });

  // An event that comes twice runs the function twice at once; either can be slow between any two calls.
  it.each([1, 2, 3])(
    "does not show a restored ledger where %i other runs write it between two reads",
    async (others) => {
      const { follow, write, calls, parameters, ledger, bus } = await followed();
      await write();
      await follow();
      await write();
      const meanwhile = async () => {
        for (let run = 0; run < others; run += 1) {
          await write();
          await follow();
        }
      };
      for (const when of ["before", "after"]) {
        let first = true;
        const getParameter: typeof parameters.getParameter = async (name) => {
          const interrupts = first;
          first = false;
          if (interrupts && when === "before") await meanwhile();
          const value = await parameters.getParameter(name);
          if (interrupts && when === "after") await meanwhile();
          return value;
        };
        const slow = { ...calls, parameters: { getParameter, putParameter: parameters.putParameter.bind(parameters) } };
        expect(await follow(slow)).toBe(true);
      }
      expect((await ledger.getFleet()).adopting).toBeUndefined();
      expect(bus.events).toEqual([]);
    },
  );

  it("shows that the ledger was emptied, or restored to an earlier time", async () => {
    const { follow, write, ledger } = await followed();
    await write();
    const earlier = await ledger.getFleet();
    await follow();
    await write();
    await follow();
    await ledger.changeFleet(() => ({ next: earlier }));
    expect(await follow()).toBe(false);
    expect((await ledger.getFleet()).adopting).toMatchObject({ cause: "emptied", stage: "counting" });
  });
});
