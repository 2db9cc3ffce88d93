import { describe, expect, it } from "vitest";
import { demo, enrollAs, fleetOf, web, webDefinition } from "../support/fleets.ts";
import { expectMeshed } from "../support/inspect.ts";
import { onLab } from "../support/on-lab.ts";

const names = Array.from({ length: 10 }, (_, nth) => `worker-${nth}`);
/** Copies of one application: they share a family, and each has an identity of its own. */
const fleet = fleetOf(names.map((name) => web(name, { taskDefinition: { ...webDefinition(name), family: "worker" } })));

/** Enrolls them all at once. Returns how many registrations ECS has refused. */
function enrolledAtOnce(seed: number): Promise<number> {
  return onLab({ fleet, latency: true, seed, policy: { sharedFamilies: true } }, async (driver) => {
    let refused = 0;
    driver.lab.router.onCall(({ operation, error }) => {
      if (operation === "RegisterTaskDefinition" && error === "ClientException") refused += 1;
    });
    await Promise.all(names.map((name) => driver.tag(demo(name), enrollAs(name))));
    for (const name of names) {
      await driver.until(`${name} has joined`, 30, () => driver.ended(demo(name), "succeeded"));
    }
    await driver.minutes(2);
    for (const name of names) await expectMeshed(driver, demo(name));
    expect(driver.lab.rolls().filter(({ outcome }) => outcome !== "succeeded")).toEqual([]);
    return refused;
  });
}

describe("services whose task definitions share a family", () => {
  it("join, although ECS refuses concurrent registrations", async () => {
    let refused = 0;
    for (const seed of [1, 2, 3]) refused += await enrolledAtOnce(seed);
    expect(refused).toBeGreaterThan(0);
  });

  it("are refused by default: a revision with one's identity would become the latest of all", () =>
    onLab({ fleet }, async (driver) => {
      const [name = ""] = names;
      await driver.tag(demo(name), enrollAs(name));
      await driver.until("its roll is refused", 10, () => driver.ended(demo(name), "refused"));
      await driver.minutes(1);
      expect(driver.messagesAbout(demo(name)).at(-1)).toContain("worker is also that of ecs-demo/worker-1");
      expect(await driver.containersOf(demo(name))).toEqual(["app"]);
    }));
});
