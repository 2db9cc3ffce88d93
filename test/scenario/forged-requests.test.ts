import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { type FleetDriver, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const ESC = "\u001b";
const MEMBER = "210987654321";
const channel = (driver: FleetDriver) =>
  driver.lab.slack.messages().map(({ text, blocks }) => `${text} ${JSON.stringify(blocks)}`);

/** Events of the operators' source, as an account puts them on the home bus. */
function put(driver: FleetDriver, account: string, entries: readonly (readonly [string, string, JsonObject])[]) {
  const { config } = driver.lab;
  const bus = resourceNames(config).busName;
  const EventBusName = `arn:aws:events:${config.homeRegion}:${config.homeAccount}:event-bus/${bus}`;
  const Entries = entries.map(([Source, DetailType, detail]) => {
    return { Source, DetailType, Detail: JSON.stringify(detail), EventBusName };
  });
  return driver.lab.call({ account, region: config.homeRegion }, "PutEvents", { Entries }, "AWSEvents");
}

const reconfigure = {
  rolloutId: "evil-1",
  kind: "reconfigure",
  requestedBy: `alice${ESC}]0;pwned${ESC}\\${ESC}[2J${ESC}[1;1Hroot\r\nforged: line`,
  why: `${ESC}[31mred\nfake completed${ESC}]8;;https://evil.example${ESC}\\click${ESC}]8;;${ESC}\\`,
};
const OPERATOR = "ztunnel-autopilot.operator";

describe("a request that somebody puts on the home bus", () => {
  it("from a member account is denied, also beside an event that members may send: nothing happens", () =>
    onFleet({ services: 3 }, async (driver) => {
      const forged = [OPERATOR, "Rollout Requested", reconfigure] as const;
      const heartbeat = ["ztunnel-autopilot.heartbeat", "Heartbeat", {}] as const;
      await expect(put(driver, MEMBER, [forged])).rejects.toThrow(/not authorized|AccessDenied/);
      await expect(put(driver, MEMBER, [heartbeat, forged])).rejects.toThrow(/not authorized|AccessDenied/);
      await driver.minutes(20);
      expect(await driver.rollouts()).toEqual([]);
      expect(channel(driver)).toEqual([]);
    }));

  it("from the home account is seen, with who asked for it as plain text, also where it changes nothing", () =>
    onFleet({ services: 3 }, async (driver) => {
      await put(driver, driver.lab.config.homeAccount, [[OPERATOR, "Rollout Requested", reconfigure]]);
      await driver.until("it has ended", 30, async () => (await driver.rollouts())[0]?.finishedAt !== undefined);
      await driver.minutes(2);
      const said = channel(driver).filter((text) => text.includes("evil-1"));
      expect(said.join("\n")).toMatch(/alice/);
      expect(said.join("\n")).toContain("3 services: 0 done, 3 skipped");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      expect(said.join("\n")).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    }));

  it.each(["ztunnel-autopilot", " Ztunnel-Autopilot\u200b"])(
    "in the name of %j is refused, which is said",
    (requestedBy) =>
      onFleet({ services: 3, rollout: { ...QUICK, approveAfterCanary: true } }, async (driver) => {
        await driver.request({ rolloutId: "evil-2", kind: "upgrade", image: NEW_IMAGE, requestedBy });
        await driver.minutes(10);
        expect((await driver.rollouts()).filter(({ status }) => status !== "refused")).toEqual([]);
        expect(driver.events("Rollout Refused")).toMatchObject([{ code: "invalid-request" }]);
        await driver.requestUpgrade();
        await driver.untilStatus("awaiting-approval");
        await driver.control({ rolloutId: "upgrade-one", action: "approve", requestedBy });
        await driver.minutes(2);
        expect((await driver.rollout()).status).toBe("awaiting-approval");
        expect(driver.images()).toContain(OLD_IMAGE);
        expect(driver.events("Rollout Refused")).toHaveLength(2);
      }),
  );
});
