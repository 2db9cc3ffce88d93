import { describe, expect, it } from "vitest";
import type { AutopilotDetailType } from "../../../shared/base/vocabulary.ts";
import { type OutgoingDetail, outgoing, readOutgoing } from "../../../shared/events/outgoing.ts";
import { messageFor } from "../../support/messages.ts";

const about = { rolloutId: "rotate-1", kind: "rotate" } as const;
const counts = { services: 4, succeeded: 2, failed: 1, skipped: 1 };

function textOf<T extends AutopilotDetailType>(detailType: T, detail: OutgoingDetail<T>): string {
  const event = outgoing(detailType, detail);
  return messageFor(readOutgoing({ source: "ztunnel-autopilot", "detail-type": detailType, detail: event.detail }))
    .text;
}

describe("the story of a rollout's event", () => {
  it("counts a wave's services, failures loudly", () => {
    const wave = { ...about, wave: "eu-west-1 50%", number: 3, waves: 9 };
    expect(textOf("Rollout Wave Completed", { ...wave, ...counts })).toBe(
      ":large_orange_circle: Wave 3 of 9 is done: eu-west-1 50%\n2 of 4 services succeeded, *1 failed*, 1 skipped.",
    );
    expect(textOf("Rollout Wave Completed", { ...wave, services: 1, succeeded: 1, failed: 0, skipped: 0 })).toBe(
      ":large_green_circle: Wave 3 of 9 is done: eu-west-1 50%\n1 of 1 service succeeded.",
    );
  });

  it("calls refused services refused, neither skipped nor done, and a rollout that could change none no success", () => {
    const all = { services: 4, succeeded: 0, failed: 0, refused: 4, skipped: 0 };
    const ended = { ...about, outcome: "completed", detail: "", durationSeconds: 1 } as const;
    const text = textOf("Rollout Completed", { ...ended, ...all });
    expect(text).toContain(":no_entry: Root CA rotation has changed nothing: every service was refused");
    expect(text).toContain("0 of 4 services succeeded, *4 refused*.");
    expect(textOf("Rollout Completed", { ...ended, ...all, succeeded: 1, refused: 3 })).toContain("is done");
    const wave = { ...about, wave: "canary", number: 1, waves: 2 };
    expect(textOf("Rollout Wave Completed", { ...wave, ...all })).toContain(":large_orange_circle:");
  });

  it.each([
    ["operator", {}, "Resume with `npm run autopilot -- rollout resume rotate-1`."],
    ["approval", {}, "Approve with `npm run autopilot -- rollout approve rotate-1`."],
    ["freeze", { until: "2026-01-05T12:25:31.500Z" }, "It resumes by itself at 2026-01-05 12:25 UTC."],
  ] as const)("says how a hold by %s ends", (hold, more, ending) => {
    const text = textOf("Rollout Paused", { ...about, hold, detail: "It holds.", nextWave: "us-east-1 10%", ...more });
    expect(text).toContain("Root CA rotation waits before wave us-east-1 10%");
    expect(text).toContain(`It holds. ${ending}`);
  });

  it.each([
    ["completed", "Root CA rotation is done"],
    ["aborted", "was aborted: what was rolled stays"],
    ["superseded", "was superseded by a newer change"],
    ["failed", "could NOT continue: somebody has to check it"],
  ] as const)("says that it ended as %s", (outcome, words) => {
    const text = textOf("Rollout Completed", { ...about, outcome, detail: "", ...counts, durationSeconds: 1 });
    expect(text).toContain(words);
  });

  it("gives reason and fix of a failure, the sentence once", () => {
    const detail = "CloudWatch: A CloudWatch alarm that guards the rollout is in ALARM. web-5xx";
    const text = textOf("Rollout Completed", {
      ...about,
      outcome: "failed",
      code: "alarm-fired",
      detail,
      ...counts,
      durationSeconds: 1,
    });
    expect(text).toContain(`*Why:* ${detail}`);
    expect(text).toContain("*Fix:* Look at the alarm.");
  });

  it("names the services that could not be rolled back, and counts those that it does not name", () => {
    const stuckServices = Array.from(
      { length: 20 },
      (_, index) => `arn:aws:ecs:eu-west-1:123456789012:service/shop/s${index}`,
    );
    const end = { ...about, code: "budget-exceeded", detail: "", rolledBack: 5, left: 0, durationSeconds: 1 } as const;
    const text = textOf("Rollout Rolled Back", { ...end, stuck: 25, stuckServices });
    expect(text).toMatch(/^:rotating_light: .*25 services could NOT be\n/);
    expect(text).toContain("`123456789012 eu-west-1 shop/s0`");
    expect(text).toContain("and 15 more");
    const calm = textOf("Rollout Rolled Back", { ...end, stuck: 0, stuckServices: [] });
    expect(calm).toMatch(/^:rewind: Root CA rotation was rolled back\n/);
  });

  it("names a refused command, and a refused request by its kind", () => {
    const refused = {
      rolloutId: "rotate-1",
      requestedBy: "bob",
      code: "wrong-phase",
      detail: "It has ended.",
    } as const;
    expect(textOf("Rollout Refused", { ...refused, kind: "pause" })).toContain("`pause` of a rollout was refused");
    const text = textOf("Rollout Refused", { ...refused, kind: "rotate" });
    expect(text).toContain("Root CA rotation was refused: nothing was changed");
    expect(text).toContain("*Fix:* See `npm run autopilot -- rollout status` for its phase.");
  });
});
