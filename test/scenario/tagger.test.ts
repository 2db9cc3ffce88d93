import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { demo, ENROLL, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const a = demo("a");
const fleet = fleetOf([web("a"), web("b")]);

async function revisions({ lab }: LabDriver): Promise<number> {
  const listed = await lab.call(a, "ListTaskDefinitions", { familyPrefix: "a", status: "ACTIVE" });
  return Array.isArray(listed.taskDefinitionArns) ? listed.taskDefinitionArns.length : 0;
}

describe("somebody who alternates a tag of one service for half an hour", () => {
  it("gets six rolls in an hour and no further revisions, and in the end what the tag says last", () =>
    onLab({ fleet }, async (driver) => {
      await driver.tag(a, enrollAs("a"));
      for (let turn = 0; turn < 60; turn += 1) {
        await driver.tag(a, { [ENROLL]: turn % 2 === 0 ? "false" : "true" });
        await driver.lab.clock.sleep(30_000);
      }
      await driver.tag(a, { [ENROLL]: "false" });
      await driver.minutes(5);
      expect(driver.rollsOf(a).length).toBeLessThanOrEqual(7);
      // The owner's, with the sidecar, and without it again.
      expect(await revisions(driver)).toBeLessThanOrEqual(3);
      await driver.until("the last wish is carried out", 90, async () => !(await driver.inMesh(a)));
      expect(driver.rollsOf(a).length).toBeLessThanOrEqual(8);
      // People are notified once.
      const notified = driver.lab.slack.messages().filter(({ text }) => text.includes("its tags change too often"));
      expect(notified).toHaveLength(1);
      expect(notified[0]?.text).toContain("They have started 6 rolls within an hour.");
      // Another service is enrolled at once.
      await driver.tag(demo("b"), enrollAs("b"));
      await driver.until("b is in the mesh", 10, () => driver.inMesh(demo("b")));
    }));

  it("has a pipeline's deployments corrected at once, again and again it deploys", () =>
    onLab({ fleet }, async (driver) => {
      const owners = await driver.definitionOf(a);
      await driver.tag(a, enrollAs("a"));
      await driver.until("a is in the mesh", 10, () => driver.inMesh(a));
      for (let deployment = 0; deployment < 9; deployment += 1) {
        await driver.deploy(a, { ...owners, tags: [{ key: "build", value: `${deployment}` }] });
        await driver.until("its sidecar is back", 5, () => driver.inMesh(a));
      }
    }));
});
