import { describe, expect, it } from "vitest";
import { resourceNames } from "../../shared/config/names.ts";
import { cartFleet } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const MEMBER = "210987654321";
const HOME = "123456789012";
const refused = {
  version: 1,
  rolloutId: "x",
  kind: "rotate",
  requestedBy: "z",
  code: "invalid-request",
  detail: "forged",
};
const request = { kind: "unenroll", requestedBy: "m" };

describe("events on the home bus under a name of ours", () => {
  it.each([
    [MEMBER, "ztunnel-autopilot", "Rollout Refused", refused, "denied"],
    [MEMBER, "ztunnel-autopilot.operator", "Rollout Requested", request, "denied"],
    [MEMBER, "ztunnel-autopilot.heartbeat", "Rollout Requested", request, "denied"],
    [MEMBER, "my.own", "Rollout Requested", request, "denied"],
    [MEMBER, "ztunnel-autopilot.heartbeat", "Heartbeat", {}, "taken"],
    [HOME, "ztunnel-autopilot", "Rollout Refused", refused, "denied"],
    [HOME, "ztunnel-autopilot.operator", "Rollout Control", { rolloutId: "x", action: "pause" }, "taken"],
  ] as const)("of account %s, source %s, %s with %j: %s", (account, Source, DetailType, detail, result) =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      const EventBusName = `arn:aws:events:us-east-1:${HOME}:event-bus/${resourceNames(lab.config).busName}`;
      const Entries = [{ Source, DetailType, Detail: JSON.stringify(detail), EventBusName }];
      const put = lab.call({ account, region: "us-east-1" }, "PutEvents", { Entries }, "AWSEvents");
      if (result === "denied") await expect(put).rejects.toThrow(/not authorized|AccessDenied/);
      else expect(await put).toMatchObject({ FailedEntryCount: 0 });
      await lab.clock.sleep(3 * 60_000);
      expect(
        lab.slack
          .messages()
          .map(({ text }) => text)
          .join("\n"),
      ).not.toContain("forged");
      if (Source !== "ztunnel-autopilot.operator") expect(lab.slack.messages()).toEqual([]);
      expect(await Array.fromAsync(lab.ledger.listRollouts())).toEqual([]);
    }),
  );
});
