import { describe, expect, it } from "vitest";
import { endedStatuses, type Rollout } from "../../../../shared/model/rollout.ts";
import { reportCase } from "../../../../shared/use-cases/rollout/report-claim.ts";
import { rollout } from "../../../support/rollouts.ts";

const NOW_MS = 1_000_000;
const begun = { startedAt: "2026-03-01T12:00:00Z", serviceCount: 3 } as const;
const caseOf = (given: Partial<Rollout>, updates = true) => reportCase(rollout(given), updates, NOW_MS);

describe("whether a rollout's message is written", () => {
  it("none while it has not begun, and when it found no service", () => {
    expect(caseOf({ status: "waiting" })).toBe("none");
    expect(caseOf({ ...begun, serviceCount: 0, status: "completed" })).toBe("none");
    expect(caseOf({ status: "refused" })).toBe("none");
  });

  it("due once it has begun, when it could not go on, and when it has a message already", () => {
    expect(caseOf(begun)).toBe("due");
    expect(caseOf({ status: "failed" })).toBe("due");
    expect(caseOf({ slack: { shown: "running:1" } })).toBe("due");
  });

  it("none where it repeats an emergency, unless somebody has to let it go on", () => {
    for (const status of ["running", "completed", "failed"] as const) {
      expect(caseOf({ ...begun, status, repeats: "rotate-1" })).toBe("none");
    }
    expect(caseOf({ ...begun, status: "awaiting-approval", repeats: "rotate-1" })).toBe("due");
    expect(caseOf({ ...begun, repeats: "rotate-1", slack: { shown: "paused:1" } })).toBe("due");
  });

  it("claimed while another run writes it, until its claim expires", () => {
    expect(caseOf({ ...begun, slack: { claimedUntilMs: NOW_MS + 1 } })).toBe("claimed");
    expect(caseOf({ ...begun, slack: { claimedUntilMs: NOW_MS } })).toBe("due");
  });

  it.each(endedStatuses)("unchanged once it shows that the rollout is %s", (status) => {
    expect(caseOf({ ...begun, status, slack: { shown: `${status}:1`, claimedUntilMs: NOW_MS + 1 } })).toBe("unchanged");
    expect(caseOf({ ...begun, status, slack: { shown: "running:1" } })).toBe("due");
  });

  it("unchanged by a webhook, whose message can't be updated, until the rollout ends", () => {
    expect(caseOf(begun, false)).toBe("due");
    expect(caseOf({ ...begun, slack: { shown: "running:1" } }, false)).toBe("unchanged");
    expect(caseOf({ ...begun, status: "completed", slack: { shown: "running:1" } }, false)).toBe("due");
  });
});
