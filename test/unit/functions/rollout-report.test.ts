import type { VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN, type Lab } from "../../../lab/autopilot/lab.ts";
import type { Json } from "../../../shared/base/json.ts";
import { eventFixture } from "../../support/event-fixtures.ts";
import { readyLab } from "../../support/labs.ts";
import { rollout, rolloutService } from "../../support/rollouts.ts";

const ID = "upgrade-4f0c9a";

async function onLab(
  work: (lab: Lab, run: (name: string, event: Json) => Promise<Json>, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  const { lab, clock, run } = await readyLab();
  await lab.ledger.createRollout(rollout({ id: ID, startedAt: "2026-11-21T00:00:00Z", serviceCount: 1 }));
  await lab.ledger.putRolloutServices([rolloutService(0, { rolloutId: ID })]);
  await lab.ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: ID } }));
  await work(lab, run, clock);
}

describe("the function rollout/report", () => {
  it("keeps one message per rollout and replies to it with the rollout's events", async () => {
    await onLab(async (lab, run) => {
      expect(await run("rollout/report", eventFixture("rollout-started"))).toEqual({ did: "posted", replied: false });
      await lab.ledger.patchRolloutService(ID, 0, {}, { status: "succeeded" });
      expect(await run("rollout/report", eventFixture("rollout-wave-completed"))).toEqual({
        did: "updated",
        replied: true,
      });
      expect(await run("rollout/report", eventFixture("rollout-wave-completed"))).toEqual({
        did: "unchanged",
        replied: false,
      });
      expect(lab.slack.threads()).toMatchObject([
        { updatedTimes: 1, replies: [{ text: expect.stringContaining("Wave 2 of 4 is done") }] },
      ]);
    });
  });

  it("has the same result with events in another order and with duplicates", async () => {
    await onLab(async (lab, run) => {
      await lab.ledger.changeRollout(ID, (one) => ({
        next: {
          ...one,
          status: "completed",
          finishedAt: "2026-11-21T00:00:00Z",
        },
      }));
      const events = ["rollout-completed", "rollout-wave-completed", "rollout-started", "rollout-completed"];
      for (const name of events) await run("rollout/report", eventFixture(name));
      expect(lab.slack.threads()).toMatchObject([{ updatedTimes: 0, text: expect.stringContaining("is done") }]);
      expect(lab.slack.threads()[0]?.replies).toHaveLength(2);
    });
  });

  it("updates the current rollout's message on its schedule", async () => {
    await onLab(async (_lab, run) => {
      expect(await run("rollout/report", {})).toEqual({ rollouts: { [ID]: "posted" } });
      expect(await run("rollout/report", { source: "aws.scheduler" })).toEqual({ rollouts: { [ID]: "unchanged" } });
    });
  });

  it("doesn't fail while Slack is down, and doesn't log the token", async () => {
    await onLab(async (lab, run) => {
      await run("rollout/report", eventFixture("rollout-started"));
      await lab.ledger.patchRolloutService(ID, 0, {}, { status: "succeeded" });
      lab.faults.replace([{ kind: "slack-down" }]);
      expect(await run("rollout/report", eventFixture("rollout-wave-completed"))).toEqual({
        did: "unavailable",
        replied: false,
      });
      const written = JSON.stringify([lab.logs, await lab.ledger.getRollout(ID)]);
      expect(written).toContain("slack-unavailable");
      expect(written).not.toContain(LAB_SLACK_TOKEN);
    });
  });

  it("ignores other events", async () => {
    await onLab(async (lab, run) => {
      expect(await run("rollout/report", eventFixture("service-enrolled"))).toEqual({ did: "none" });
      expect(lab.slack.messages()).toEqual([]);
    });
  });
});

describe("the function notify-slack", () => {
  it("leaves a rollout's successes to the rollout's message", async () => {
    await onLab(async (lab, run) => {
      for (const name of ["service-updated-in-rollout", "service-superseded-in-rollout"])
        expect(await run("notify-slack", eventFixture(name))).toEqual({ did: "left-to-rollout" });
      expect(lab.slack.messages()).toEqual([]);
    });
  });

  it.each(["service-roll-failed-in-rollout", "service-refused-in-rollout"])(
    "replies to the rollout's message about %s, with reason and fix",
    async (name) => {
      await onLab(async (lab, run) => {
        await run("rollout/report", eventFixture("rollout-started"));
        expect(await run("notify-slack", eventFixture(name))).toEqual({ did: "posted" });
        expect(lab.slack.threads()).toHaveLength(1);
        expect(lab.slack.threads()[0]?.replies).toMatchObject([
          { text: expect.stringMatching(/ecs-demo\/shell-task.*Fix:/s) },
        ]);
      });
    },
  );

  it("posts a separate message while the rollout has no message", async () => {
    await onLab(async (lab, run) => {
      await run("notify-slack", eventFixture("service-roll-failed-in-rollout"));
      expect(lab.slack.threads()).toMatchObject([{ replies: [] }]);
    });
  });

  it("posts a separate message when the rollout's message was deleted", async () => {
    await onLab(async (lab, run, clock) => {
      await run("rollout/report", eventFixture("rollout-started"));
      lab.slack.deleteMessage(lab.slack.messages()[0]?.ts ?? "");
      await clock.advance(1000);
      expect(await run("notify-slack", eventFixture("service-roll-failed-in-rollout"))).toEqual({ did: "posted" });
      expect(lab.slack.threads()).toMatchObject([{ text: expect.stringContaining("ecs-demo/shell-task") }]);
    });
  });

  it("doesn't log the token when a reply fails", async () => {
    await onLab(async (lab, run) => {
      await run("rollout/report", eventFixture("rollout-started"));
      lab.faults.replace([{ kind: "slack-down" }]);
      const did = await run("notify-slack", eventFixture("service-roll-failed-in-rollout"));
      expect(did).toEqual({ did: "unavailable" });
      expect(JSON.stringify(lab.logs)).toContain("slack-unavailable");
      expect(JSON.stringify(lab.logs)).not.toContain(LAB_SLACK_TOKEN);
    });
  });
});
