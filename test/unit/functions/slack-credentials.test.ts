import { readFileSync } from "node:fs";
import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN, Lab } from "../../../lab/autopilot/lab.ts";
import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { config } from "../../support/services.ts";

const refused = readFileSync(new URL("../../fixtures/events/service-refused.json", import.meta.url), "utf8");

/** Invokes notify-slack in one warm function. `rotate` writes another token to the secret. */
async function warmFunction() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const lab = new Lab({ clock, config: config(), schedules: false, ledger: memoryLedger() });
  await clock.run(lab.prepare());
  const { homeAccount: account, homeRegion: region, slack } = lab.config;
  return {
    lab,
    notify: () => clock.run(lab.lambda.invoke("notify-slack", JSON.parse(refused))),
    rotate: (token: string) => {
      const input = { SecretId: slack.secretName, SecretString: JSON.stringify({ token }) };
      return clock.run(lab.call({ account, region }, "PutSecretValue", input, "secretsmanager"));
    },
  };
}

describe("Slack's token in a warm function", () => {
  it("is read from its secret once, as long as Slack accepts it", async () => {
    const { lab, notify } = await warmFunction();
    await notify();
    await notify();
    expect(lab.router.calls()["secretsmanager.GetSecretValue"]).toBe(1);
  });

  it("is read again after Slack has refused it", async () => {
    const { lab, notify, rotate } = await warmFunction();
    await rotate("xoxb-revoked");
    await expect(notify()).rejects.toMatchObject({ message: expect.stringMatching(/invalid_auth/) });
    await rotate(LAB_SLACK_TOKEN);
    await notify();
    expect(lab.slack.messages()).toHaveLength(1);
  });
});
