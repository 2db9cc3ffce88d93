import { expect, it } from "vitest";
import { demo, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const names = Array.from({ length: 92 }, (_, index) => `svc${index}`);
const HOUR = 60;
/** What 92 services need on a slow machine. */
const TIMEOUT_MS = 120_000;

it(
  "a control plane that is dead for two hours while 92 services are tagged makes a few messages, not one a service",
  { timeout: TIMEOUT_MS },
  () =>
    onLab({ fleet: fleetOf(names.map((name) => web(name))) }, async (driver) => {
      const { slack } = driver.lab;
      driver.lab.faults.add({ kind: "kubernetes-down", untilMs: driver.lab.clock.now() + 2 * HOUR * 60_000 });
      for (const name of names) await driver.tag(demo(name), enrollAs(name));
      await driver.minutes(2 * HOUR);
      // Each is tried again, later and later: a message for all of a try.
      const whileDead = slack.threads();
      expect(whileDead.length).toBeLessThanOrEqual(3);
      for (const { text, replies } of whileDead) {
        expect(text).toMatch(/92 rolls failed before they deployed anything/);
        expect(text).toContain("`npm run autopilot -- status --stage lab`");
        const details = replies.map((reply) => reply.text).join("\n");
        for (const name of names) expect(details).toContain(`ecs-demo/${name}: `);
      }
      expect(await driver.lab.ledger.getChannel()).toMatchObject({ pending: [] });
      // The function that reads the control plane is meant to fail loudly.
      const failed = new Set(driver.lab.lambda.failures.map(({ functionName }) => functionName));
      expect(failed).toContain("watch-root-ca");
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }),
);

it("a tag that is corrected during a roll whose failure people know of is followed as soon as that roll ends", () =>
  onLab({ fleet: fleetOf([web("cart")]) }, async (driver) => {
    const cart = demo("cart");
    const rolls = () => driver.rollsOf(cart);
    driver.lab.faults.add({ kind: "kubernetes-down" });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("it is rolled again", 60, () => rolls().length === 2);
    await driver.tag(cart, { "ecs.solo.io/service-account": "basket" });
    const isOver = () => rolls().every(({ status }) => status !== "RUNNING");
    await driver.until("the second roll has ended", 30, isOver);
    await driver.until("the new tag is followed", 1, () => rolls().length === 3);
    expect(driver.lab.slack.threads()).toHaveLength(1);
    expect(driver.messagesAbout(cart)).toHaveLength(1);
  }));
