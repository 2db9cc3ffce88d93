import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RolloutServiceStatus, rolloutServiceStatuses } from "../../../shared/model/rollout.ts";
import { type TakeCase, takeCase } from "../../../shared/rollout/take-case.ts";
import { rolloutService } from "../../support/rollouts.ts";

const forward: Partial<Record<RolloutServiceStatus, TakeCase>> = {
  waiting: "begin",
  superseded: "begin",
  rolling: "repeat",
};
const rollback: Partial<Record<RolloutServiceStatus, TakeCase>> = {
  rolling: "take-over",
  "rolling-back": "repeat",
};
/** What has ended, or never began, and may have changed the service. */
const changeable: readonly RolloutServiceStatus[] = [
  "waiting",
  "succeeded",
  "unverified",
  "skipped",
  "superseded",
  "refused",
  "reverted",
  "failed",
  "revert-failed",
];

describe("how a service is taken", () => {
  it.each(rolloutServiceStatuses)("forward while it is %s", (status) => {
    expect(takeCase(rolloutService(0, { status }), "forward", false)).toBe(forward[status] ?? "skip");
  });

  it.each(rolloutServiceStatuses)("back while it is %s", (status) => {
    expect(takeCase(rolloutService(0, { status }), "rollback", false)).toBe(rollback[status] ?? "skip");
    const changed = rolloutService(0, { status, toRevisionArn: "new" });
    const begun = changeable.includes(status) ? "begin" : "skip";
    expect(takeCase(changed, "rollback", false)).toBe(rollback[status] ?? begun);
  });

  it("again once its execution has ended without an outcome, up to a limit", () => {
    const rolling = (tryCount: number) => rolloutService(0, { status: "rolling", tryCount });
    expect(takeCase(rolling(19), "forward", true)).toBe("retry");
    expect(takeCase(rolling(20), "forward", true)).toBe("skip");
    expect(takeCase(rolling(20), "forward", false), "its try goes on").toBe("repeat");
    expect(takeCase(rolling(20), "rollback", true), "a rollback has tries of its own").toBe("take-over");
    expect(takeCase(rolloutService(0, { status: "rolling-back", tryCount: 20 }), "rollback", true)).toBe("skip");
  });

  it("not forward once somebody else has kept it busy too often", () => {
    const superseded = (tryCount: number) => rolloutService(0, { status: "superseded", tryCount });
    expect(takeCase(superseded(3), "forward", false)).toBe("begin");
    expect(takeCase(superseded(4), "forward", false)).toBe("skip");
  });

  it("is the same whether its last execution has ended or not, unless that execution is under way", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...rolloutServiceStatuses),
        fc.constantFrom("forward" as const, "rollback" as const),
        fc.integer({ min: 0, max: 25 }),
        fc.constantFrom({}, { toRevisionArn: "new" }),
        (status, phase, tryCount, given) => {
          const service = rolloutService(0, { status, tryCount, ...given });
          const [running, ended] = [takeCase(service, phase, false), takeCase(service, phase, true)];
          if (running === "repeat") expect(["retry", "skip"]).toContain(ended);
          else expect(ended).toBe(running);
        },
      ),
    );
  });
});
