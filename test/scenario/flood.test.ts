import { nextRootCaPem, rootCaPem } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cartFleet, demo, ENROLL, enrollAs, fleetOf, guideFleet, web, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `svc${index}`);
const bridge = { networkMode: "bridge", requiresCompatibilities: ["EC2"] } as const;
const refusedFleet = (count: number) =>
  fleetOf(
    names(count).map((name) => web(name, { taskDefinition: webDefinition(name, { ...bridge }), launchType: "EC2" })),
  );

const inChannel = ({ lab }: LabDriver) => lab.slack.threads();

async function tagCluster({ lab }: LabDriver): Promise<void> {
  const resourceArn = "arn:aws:ecs:us-east-1:123456789012:cluster/ecs-demo";
  await lab.call(demo("svc0"), "TagResource", { resourceArn, tags: [{ key: ENROLL, value: "true" }] });
}

describe("many services have the same news", () => {
  it("60 refusals by one tag of a cluster are one message, with the details in its thread", () =>
    onLab({ fleet: refusedFleet(60) }, async (driver) => {
      await tagCluster(driver);
      await driver.minutes(90);
      const threads = inChannel(driver);
      expect(threads).toHaveLength(1);
      const [message] = threads;
      expect(message?.text).toContain("60 services can't join the mesh: nothing was changed");
      expect(message?.text).toContain("• 60: The task definition's network mode is not awsvpc.");
      expect(message?.text).toMatch(/`ecs-demo\/svc\d+`, `ecs-demo\/svc\d+`, `ecs-demo\/svc\d+` and 57 more/);
      expect(message?.text).toContain("`npm run autopilot -- status --stage lab`");
      const details = message?.replies.map(({ text }) => text).join("\n") ?? "";
      for (const name of names(60)) expect(details).toContain(`ecs-demo/${name} can't join the mesh`);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect(await driver.lab.ledger.getChannel()).toMatchObject({ pending: [] });
    }));

  it("a tagger who changes a wrong value every second makes one message, not 240", () =>
    onLab({ fleet: refusedFleet(1) }, async (driver) => {
      for (let count = 0; count < 240; count += 1) {
        await driver.tag(demo("svc0"), { [ENROLL]: `no ${count}` });
        await driver.lab.clock.sleep(1000);
      }
      await driver.minutes(10);
      const [message, ...others] = inChannel(driver);
      expect(others).toEqual([]);
      expect(message?.text).toContain("no 239");
      expect(message?.replies.length).toBeLessThan(30);
    }));

  it("services that are enrolled together are one message a minute at most", () =>
    onLab({ fleet: fleetOf(names(12).map((name) => web(name))) }, async (driver) => {
      for (const name of names(12)) await driver.tag(demo(name), enrollAs(name));
      await driver.until("all are enrolled", 15, async () => {
        const states = await Promise.all(names(12).map((name) => driver.state(demo(name))));
        return states.every((state) => state?.lastOutcome?.outcome === "succeeded");
      });
      await driver.minutes(3);
      const announced = inChannel(driver).filter(({ text }) => /in the mesh/.test(text));
      const minutes = announced.map(({ ts }) => Number(ts) / 60);
      expect(minutes.every((minute, index) => index === 0 || minute - (minutes[index - 1] ?? 0) >= 1)).toBe(true);
      const texts = announced.flatMap(({ text, replies }) => [text, ...replies.map((reply) => reply.text)]).join("\n");
      for (const name of names(12)) expect(texts).toContain(`ecs-demo/${name} is in the mesh`);
    }));
});

describe("the same news of the fleet", () => {
  it("40 requests that are refused one after the other are one message, with the details in its thread", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      for (let count = 0; count < 40; count += 1) {
        const image = `not an image ${count}`;
        await driver.request({ rolloutId: `upgrade-${count}`, kind: "upgrade", image, requestedBy: "ann" });
        await driver.lab.clock.sleep(20_000);
      }
      await driver.minutes(3);
      const [message, ...others] = inChannel(driver);
      expect(others).toEqual([]);
      expect(message?.text).toContain("Requests about 40 rollouts were refused: nothing was changed");
      expect(message?.text).toContain("`npm run autopilot -- rollout list --stage lab`");
      const details = message?.replies.map(({ text }) => text).join("\n") ?? "";
      for (let count = 0; count < 40; count += 1) expect(details).toContain(`"not an image ${count}"`);
    }));

  it("a new root CA of every control plane is one message", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      for (const plane of driver.lab.controlPlanes.values()) plane.setRootCa(`${rootCaPem}${nextRootCaPem}`);
      await driver.minutes(8);
      const changed = inChannel(driver).filter(({ text }) => /root CA bundle/.test(text));
      expect(changed).toHaveLength(1);
      expect(changed[0]?.text).toContain("2 control planes: the root CA bundle has changed");
      expect(changed[0]?.text).toMatch(/`mesh-(eu|us)`, `mesh-(eu|us)`/);
    }));
});

describe("the same news, announced badly", () => {
  const places = ["slack.POST", "ledger.changeChannel"].flatMap((call) =>
    [0, 1, 2].flatMap((skip) => (["before", "after"] as const).map((when) => ({ call, skip, when }))),
  );
  it.each(places)("a run that dies $when $call ($skip) leaves the news to the next one: nothing is lost", (place) =>
    onLab({ fleet: refusedFleet(5) }, async (driver) => {
      const { call, skip, when } = place;
      driver.lab.faults.add({ kind: "lambda-crash", match: { function: "notify-slack", call }, skip, when, count: 1 });
      await tagCluster(driver);
      await driver.minutes(10);
      expect(driver.lab.faults.list()).toMatchObject([{ struck: 1 }]);
      const texts = driver.lab.slack.messages().map(({ text }) => text);
      for (const name of names(5)) expect(texts.join("\n")).toContain(`ecs-demo/${name} can't join the mesh`);
      expect(await driver.lab.ledger.getChannel()).toMatchObject({ pending: [] });
      // Nobody knows of a message whose run died between Slack's answer and the ledger's: it comes again.
      const isBetween = when === (call === "slack.POST" ? "after" : "before");
      expect(inChannel(driver).length).toBeLessThanOrEqual(isBetween ? 2 : 1);
    }),
  );

  it("while Slack is down for ten minutes, all of it is announced once afterwards", () =>
    onLab({ fleet: refusedFleet(30) }, async (driver) => {
      driver.lab.faults.add({ kind: "slack-down", untilMs: driver.lab.clock.now() + 10 * 60_000 });
      await tagCluster(driver);
      await driver.minutes(13);
      const threads = inChannel(driver);
      expect(threads).toHaveLength(1);
      expect(threads[0]?.text).toContain("30 services can't join the mesh");
    }));

  it("while Slack takes each message and answers that it did not, it gets one a minute", () =>
    onLab({ fleet: refusedFleet(20) }, async (driver) => {
      const untilMs = driver.lab.clock.now() + 20 * 60_000;
      const match = { call: "slack.chat.postMessage" };
      driver.lab.faults.add({ kind: "slack-error", error: "is_archived", match, when: "after", untilMs });
      for (const name of names(20)) {
        await driver.tag(demo(name), { [ENROLL]: "true" });
        await driver.lab.clock.sleep(30_000);
      }
      await driver.minutes(10);
      expect(inChannel(driver).length).toBeLessThanOrEqual(21);
      await driver.minutes(3);
      const [last] = inChannel(driver).slice(-1);
      expect(last?.text).toContain("20 services can't join the mesh");
      expect(await driver.lab.ledger.getChannel()).toMatchObject({ pending: [] });
    }));

  it("a message that Slack refuses becomes a headline, and keeps nothing else from being announced", () =>
    onLab({ fleet: refusedFleet(3) }, async (driver) => {
      const match = { call: "slack.chat.postMessage" };
      driver.lab.faults.add({ kind: "slack-error", error: "invalid_blocks", match, count: 1 });
      await tagCluster(driver);
      await driver.minutes(3);
      expect(driver.lab.faults.list()).toMatchObject([{ struck: 1 }]);
      expect(inChannel(driver)[0]?.text).toContain("3 services can't join the mesh");
      expect(await driver.lab.ledger.getChannel()).toMatchObject({ pending: [] });
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));
});
