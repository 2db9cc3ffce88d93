import { describe, expect, it } from "vitest";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { crashingTestbed, ended } from "../../../support/testbeds/crashes.ts";
import { fleetTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const MINUTE_MS = 60_000;
const ALLOWED = "registry.example.com/ztunnel:1.28.1";
const REFUSED = "elsewhere.example.com/ztunnel:1";

describe("the image of two writers of whom one names an image that is refused", () => {
  it("is contested while they write in turns, and no longer once they rest on the refused one", async () => {
    const { ztunnel } = rolloutTestbed().config;
    const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
    const contest = async () => (await testbed.ledger.getFleet()).sightings?.image?.contestedSince;
    const write = async (image: string) => {
      testbed.parameters.values.set("/image", image);
      testbed.clock.nowMs += MINUTE_MS;
      await requestPending(testbed);
    };
    for (const image of [ALLOWED, REFUSED, ALLOWED, REFUSED, ALLOWED, REFUSED]) await write(image);
    expect(await contest()).toBeDefined();
    testbed.clock.nowMs += 120 * MINUTE_MS;
    expect(await requestPending(testbed)).toEqual([]);
    expect(await contest()).toBeUndefined();
    const { version } = await testbed.ledger.getFleet();
    expect(await requestPending(testbed)).toEqual([]);
    expect((await testbed.ledger.getFleet()).version).toBe(version);
  });
});

const OTHER = "registry.example.com/ztunnel:1.28.2";

describe("a contest of the fleet's image", () => {
  it("is reported although the run that saw it crashes at any of its calls, and once where it did not crash", async () => {
    for (const when of ["before", "after"] as const) {
      for (let calls = 1; ; calls += 1) {
        const testbed = await contestedSoon();
        const crashed = await ended(() => requestPending(crashingTestbed(testbed, { calls, when })));
        for (let later = 0; later < 3; later += 1) {
          testbed.clock.nowMs += 2 * MINUTE_MS;
          await requestPending(testbed);
        }
        const reports = testbed.bus.events.filter(({ detailType }) => detailType === "Fleet Contested").length;
        expect(reports, `crash ${when} call ${calls}`).toBeGreaterThanOrEqual(1);
        if (crashed === "ended") {
          expect(reports).toBe(1);
          expect(calls).toBeGreaterThan(5);
          break;
        }
      }
    }
  });
});

/** One more look sees a contest. */
async function contestedSoon() {
  const { ztunnel } = rolloutTestbed().config;
  const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
  const images = [ALLOWED, OTHER, ALLOWED, OTHER];
  for (const image of images) {
    testbed.parameters.values.set("/image", image);
    testbed.clock.nowMs += MINUTE_MS;
    await requestPending(testbed);
  }
  testbed.parameters.values.set("/image", ALLOWED);
  return testbed;
}
