import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN } from "../../../lab/autopilot/lab.ts";
import { eventFixture } from "../../support/event-fixtures.ts";
import { readyLab } from "../../support/labs.ts";

/** Invokes notify-slack in one warm function. `rotate` writes another token to the secret. */
async function warmFunction() {
  const { lab, clock, run } = await readyLab();
  const { homeAccount: account, homeRegion: region, slack } = lab.config;
  return {
    lab,
    clock,
    notify: () => run("notify-slack", eventFixture("service-refused")),
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
    const { lab, clock, notify, rotate } = await warmFunction();
    await rotate("xoxb-revoked");
    await notify();
    expect(lab.slack.messages()).toEqual([]);
    expect(JSON.stringify(lab.logs)).toContain("invalid_auth");
    await rotate(LAB_SLACK_TOKEN);
    // Slack that has failed is asked once a minute.
    await clock.advance(60_000);
    await notify();
    expect(lab.slack.messages()).toHaveLength(1);
  });
});
