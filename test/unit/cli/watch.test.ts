import { describe, expect, it } from "vitest";
import { watchRollout } from "../../../cli/commands/watch-rollout.ts";
import { wasTaken } from "../../../cli/rollouts/send.ts";
import type { RolloutView } from "../../../cli/rollouts/view.ts";
import { viewJson } from "../../../cli/rollouts/view.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { testContext } from "../../support/cli-contexts.ts";
import { rollout, service, view } from "../../support/rollout-views.ts";

const ID = "upgrade-0a1b2c3d4e";

const ended = (status: "completed" | "rolled-back" | "refused" | "aborted") =>
  view({ rollout: rollout({ status }), etaSeconds: undefined });

/** Returns the views one after the other, and the last one again and again. */
function reads(...views: readonly RolloutView[]): () => Promise<RolloutView> {
  let at = 0;
  return async () => {
    const found = views[Math.min(at, views.length - 1)];
    at += 1;
    if (!found) throw new Error("no view");
    return found;
  };
}

describe("watching a rollout", () => {
  it.each([
    ["completed", 0],
    ["rolled-back", 1],
    ["aborted", 1],
    ["refused", 2],
  ] as const)("ends when it is %s, with code %d", async (status, code) => {
    expect(await watchRollout(reads(view(), ended(status)), testContext(), { id: ID, json: false })).toBe(code);
  });

  it("continues when somebody rolls back an ended rollout", async () => {
    const control = { action: "rollback", by: "ada", at: "2026-03-02T12:00:00Z" } as const;
    const requested = view({ rollout: rollout({ status: "completed", control }) });
    expect(await watchRollout(reads(requested, ended("rolled-back")), testContext(), { id: ID, json: false })).toBe(1);
  });

  it("writes a line per change, and none if only the estimate changes", async () => {
    const context = testContext();
    const views = [view(), view({ etaSeconds: 700 }), ended("completed")];
    await watchRollout(reads(...views), context, { id: ID, json: false });
    expect(context.written.out.trim().split("\n")).toHaveLength(2);
  });

  it("writes a JSON object per change, without the task token and Slack's message", async () => {
    const context = testContext();
    const held = view({ rollout: rollout({ holdToken: "AQC-secret", slack: { ts: "1.2" } }) });
    await watchRollout(reads(held, held, ended("completed")), context, { id: ID, json: true });
    const objects = context.written.out
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(objects).toMatchObject([{ status: "running", progress: { total: 5 } }, { status: "completed" }]);
    expect(context.written.out).not.toMatch(/AQC-secret|slack/);
  });

  it("redraws in place on a terminal: the cursor moves up by the number of drawn lines", async () => {
    const context = testContext({ tty: true, columns: 40, environment: { NO_COLOR: "1" } });
    await watchRollout(reads(view(), view(), ended("completed")), context, { id: ID, json: false });
    const drawings = context.written.out.replaceAll("\u001b[", "⎋").split(/⎋(\d+)A⎋0J/);
    const lines = (drawing = "") => drawing.split("\n").length - 1;
    expect(drawings).toHaveLength(5);
    expect([drawings[1], drawings[3]]).toEqual([String(lines(drawings[0])), String(lines(drawings[2]))]);
    for (const line of (drawings[0] ?? "").split("\n")) expect([...line].length).toBeLessThanOrEqual(40);
  });

  it("has color on a terminal unless NO_COLOR is set", async () => {
    const color = testContext({ tty: true });
    await watchRollout(reads(ended("completed")), color, { id: ID, json: false });
    expect(color.written.out).toContain("\u001b[32m");
    const plain = testContext({ tty: true, environment: { NO_COLOR: "1" } });
    await watchRollout(reads(ended("completed")), plain, { id: ID, json: false });
    expect(plain.written.out).not.toContain("\u001b[");
  });

  it("continues after a short time in which AWS can't be reached, and fails after a long one", async () => {
    const unavailable = new AutopilotError("aws-unavailable", "");
    const failing = (times: number) => {
      let tries = 0;
      return async () => {
        tries += 1;
        if (tries > 1 && tries <= 1 + times) throw unavailable;
        return tries === 1 ? view() : ended("completed");
      };
    };
    expect(await watchRollout(failing(30), testContext(), { id: ID, json: false })).toBe(0);
    await expect(watchRollout(failing(100), testContext(), { id: ID, json: false })).rejects.toBe(unavailable);
  });

  it("ends at Ctrl-C with a note that the rollout goes on", async () => {
    const controller = new AbortController();
    const context = testContext({
      interruption: () => controller.signal,
      pause: async () => controller.abort(),
    });
    expect(await watchRollout(reads(view()), context, { id: ID, json: false })).toBe(130);
    expect(context.written.err).toContain("the rollout goes on");
  });
});

describe("a rollout as JSON", () => {
  it("has its services only on request", () => {
    const services = [service(0, { status: "succeeded" })];
    expect(viewJson(view({ services }), true)).toMatchObject({
      serviceCount: 5,
      outcomes: [{ ordinal: 0, status: "succeeded" }],
    });
    expect(viewJson(view({ services }), false)).not.toHaveProperty("outcomes");
  });
});

describe("a request for a rollout", () => {
  const at = "2026-03-02T12:00:00Z";
  const control = (action: "pause" | "abort" | "rollback") => ({ control: { action, by: "ada", at } });

  it.each([
    ["pause", {}, control("pause"), true],
    ["pause", {}, { status: "paused" }, true],
    ["pause", {}, {}, false],
    ["resume", { status: "paused" }, { status: "running" }, true],
    ["resume", { status: "paused" }, { status: "paused" }, false],
    ["approve", { status: "awaiting-approval" }, { approved: { by: "ada", at } }, true],
    ["approve", { status: "awaiting-approval" }, { status: "awaiting-approval" }, false],
    ["abort", {}, control("abort"), true],
    ["abort", {}, control("pause"), false],
    ["rollback", { status: "completed" }, { status: "completed", ...control("rollback") }, true],
    ["rollback", { status: "completed" }, { status: "rolling-back" }, true],
    ["rollback", { status: "completed" }, { status: "completed" }, false],
    ["rollback", {}, { status: "failed", journal: [{ at, by: "ada", did: "rollback" }] }, true],
  ] as const)("%s, with the rollout changed from %j to %j: handled is %s", (action, before, now, taken) => {
    expect(
      wasTaken(action, rollout(before), rollout({ ...now, journal: "journal" in now ? [...now.journal] : [] })),
    ).toBe(taken);
  });
});
