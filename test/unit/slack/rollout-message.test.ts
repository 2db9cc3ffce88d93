import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Rollout,
  type RolloutServiceStatus,
  rolloutKinds,
  rolloutServiceStatuses,
  rolloutStatuses,
} from "../../../shared/model/rollout.ts";
import { progressOf } from "../../../shared/rollout/progress.ts";
import { progressBar, rolloutMessage } from "../../../shared/slack/rollout-message.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";

const NOW_MS = Date.parse("2026-03-01T13:02:00Z");
const underWay: Partial<Rollout> = {
  kind: "rotate",
  id: "rotate-1",
  target: { controlPlane: "main" },
  why: "the root CA has changed",
  requestedBy: "alice",
  serviceCount: 8,
  waves: [
    wave("canary", 0, 1, "done"),
    wave("eu-west-1 50%", 2, 4, "rolling"),
    wave("eu-west-1 100%", 5, 7, "waiting"),
  ],
  nextWaveIndex: 1,
  startedAt: "2026-03-01T12:00:00Z",
};
const halfway: readonly RolloutServiceStatus[] = ["succeeded", "reverted", "succeeded", "skipped", "rolling"];

function messageOf(given: Partial<Rollout>, statuses: readonly RolloutServiceStatus[] = halfway, leftMs?: number) {
  const one = rollout({ ...underWay, ...given });
  const services = statuses.map((status, ordinal) =>
    rolloutService(ordinal, { status, waveIndex: ordinal < 2 ? 0 : 1 }),
  );
  return rolloutMessage(one, progressOf(one, services), NOW_MS, { leftMs });
}
const linesOf = (...args: Parameters<typeof messageOf>): string[] => messageOf(...args).text.split("\n");
const contextOf = (...args: Parameters<typeof messageOf>): string[] =>
  messageOf(...args).blocks.flatMap((block) =>
    block.type === "context" ? block.elements.map(({ text }) => text) : [],
  );

describe("a rollout's message", () => {
  it("says what is in progress, how far it is, the counts, when it is done and who requested it", () => {
    expect(linesOf({}, halfway, 20 * 60_000)).toEqual([
      ":arrows_counterclockwise: Root CA rotation of main is in progress",
      "`██████████░░░░░░░░░░` 50%  ·  wave 2 of 3: eu-west-1 50%  ·  done at about 2026-03-01 13:25 UTC",
      "8 services: 2 done, *1 failed*, 1 skipped, 4 to go",
      "Requested by alice: the root CA has changed",
    ]);
    expect(contextOf({})).toEqual(["rollout `rotate-1`", "started 2026-03-01 12:00 UTC"]);
  });

  it.each([
    [{ kind: "rotate" }, "Root CA rotation of main is"],
    [
      { kind: "upgrade", target: { image: "example.com/ztunnel:1.28.2" } },
      "ztunnel upgrade to `example.com/ztunnel:1.28.2` is",
    ],
    [{ kind: "reconfigure", target: {} }, "Reconfiguration is"],
    [{ kind: "unenroll", target: {} }, "Unenrollment is"],
  ] as const)("names its kind: %j", (given, words) => {
    expect(linesOf(given)[0]).toContain(words);
  });

  it("counts services that are out of the mesh when it unenrolls", () => {
    expect(linesOf({ kind: "unenroll" })[2]).toContain("2 out of the mesh");
  });

  it("says that a wave is baking", () => {
    const waves = [wave("canary", 0, 1, "done"), wave("rest", 2, 7, "baking")];
    expect(linesOf({ waves })[1]).toContain("wave 2 of 2: rest, baking");
  });

  it.each([
    [
      { status: "paused", control: { action: "pause", by: "bob", at: "2026-03-01T12:30:00Z" } },
      "*Paused* by bob. Resume with `npm run autopilot -- rollout resume rotate-1`.",
    ],
    [
      { status: "paused", journal: [{ at: "2026-03-01T12:30:00Z", by: "carol", did: "pause" }] },
      "*Paused* by carol. Resume with `npm run autopilot -- rollout resume rotate-1`.",
    ],
    [
      { status: "awaiting-approval" },
      "*The canary wave is done.* Approve the rest with `npm run autopilot -- rollout approve rotate-1`.",
    ],
    [
      { status: "frozen", holdUntilMs: Date.parse("2026-03-02T06:00:00Z") },
      "*Frozen* until 2026-03-02 06:00 UTC. It resumes by itself then.",
    ],
    [
      { status: "running", control: { action: "pause", by: "bob", at: "2026-03-01T12:30:00Z" } },
      "*Pause* requested by bob: before the next wave.",
    ],
  ] as const)("says why it holds and how that ends: %j", (given, line) => {
    expect(linesOf({ ...given, journal: "journal" in given ? [...given.journal] : [] })[3]).toBe(line);
  });

  it("in rollback counts what is left to roll back, and says why and what to do", () => {
    const waves = [wave("canary", 0, 1, "done"), wave("rest", 2, 7, "rolling-back")];
    const statuses = ["succeeded", "succeeded", "rolled-back", "rolling-back", "reverted", "left"] as const;
    const reason = { code: "budget-exceeded", detail: "2 of 6 failed in wave rest." };
    const lines = linesOf({ status: "rolling-back", waves, reason }, statuses);
    expect(lines.slice(0, 3)).toEqual([
      ":rewind: Root CA rotation of main is being rolled back",
      "`████████░░░░░░░░░░░░` 40%  ·  wave 2 of 2: rest, rolling back",
      "8 services: 3 to roll back, *1 failed*, 1 skipped, 1 rolled back, 2 not started",
    ]);
    expect(lines).toContain("*Why:* More services failed than the failure budget allows. 2 of 6 failed in wave rest.");
    expect(lines.join("\n")).toContain("*Fix:* See the failed services' reasons");
  });

  it("is loud about services that could not be rolled back", () => {
    const lines = linesOf({ status: "rolled-back" }, ["rolled-back", "stuck"]);
    expect(lines[0]).toBe(
      ":rotating_light: Root CA rotation of main was rolled back, 1 service could NOT be rolled back",
    );
    expect(lines).toContain("*Check them:* `npm run autopilot -- rollout status rotate-1`");
  });

  it("says the outcome and how long it took; a full bar only when nothing is left", () => {
    const ended = { status: "completed", nextWaveIndex: 3, finishedAt: "2026-03-01T15:05:00Z" } as const;
    const all = Array.from({ length: 8 }, () => "succeeded" as const);
    const lines = linesOf(ended, all);
    expect(lines.slice(0, 3)).toEqual([
      ":white_check_mark: Root CA rotation of main is done",
      `\`${"█".repeat(20)}\` 100%  ·  3 waves`,
      "8 services: 8 done",
    ]);
    expect(contextOf(ended, all)).toContain("ended 2026-03-01 15:05 UTC, took 3 h 5 min");
  });

  it("has no end while it is rolled back after it had ended", () => {
    expect(contextOf({ status: "rolling-back", finishedAt: "2026-03-01T15:05:00Z" }).join()).not.toContain("ended");
  });

  it("records an approval, an emergency and an override", () => {
    const context = contextOf({
      approved: { by: "dora", at: "2026-03-01T12:30:00Z" },
      emergency: true,
      overrides: { ignoreFreeze: true },
    });
    expect(context).toEqual(expect.arrayContaining(["approved by dora", "emergency", "freeze windows overridden"]));
  });

  it("stays within Slack's limits, and shows any text that others wrote as plain text", () => {
    const texts = fc.string({
      unit: fc.constantFrom("<", ">", "&", "!here", "`", "\n", "x", "é", "😀"),
      maxLength: 200,
    });
    const someStatus = fc.constantFrom(...rolloutServiceStatuses);
    fc.assert(
      fc.property(
        fc.constantFrom(...rolloutKinds),
        fc.constantFrom(...rolloutStatuses),
        fc.array(someStatus, { maxLength: 8 }),
        texts,
        fc.constantFrom("budget-exceeded", "unknown code"),
        (kind, status, statuses, text, code) => {
          const by = text.slice(0, 200);
          const message = messageOf(
            {
              kind,
              status,
              why: text.repeat(2).slice(0, 500),
              requestedBy: by,
              target: { controlPlane: text, image: `example.com/${"z".repeat(480)}` },
              reason: { code, detail: text.repeat(20) },
              approved: { by, at: "2026-03-01T12:30:00Z" },
              waves: [wave(text, 0, 7, "rolling")],
              nextWaveIndex: 0,
              finishedAt: "2026-03-01T15:05:00Z",
              emergency: true,
              overrides: { ignoreFreeze: true },
            },
            statuses,
            1e9,
          );
          expect(message.text.length).toBeLessThanOrEqual(4000);
          expect(message.blocks.length).toBeLessThanOrEqual(50);
          for (const block of message.blocks) {
            if (block.type === "context") expect(block.elements.length).toBeLessThanOrEqual(10);
            else expect(block.text.text.length).toBeLessThanOrEqual(3000);
          }
          const objects = message.blocks.flatMap((block) =>
            block.type === "context" ? [...block.elements] : [block.text],
          );
          // What is in plain text is shown as it is.
          const texts = objects.flatMap(({ type, text: one }) => (type === "mrkdwn" ? [one] : []));
          for (const one of [message.text, ...texts]) expect(one).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        },
      ),
    );
  });
});

describe("a rollout in which nothing was done", () => {
  it.each([
    ["completed", ["refused", "skipped"]],
    ["rolled-back", ["reverted", "refused"]],
    ["rolled-back", ["rolled-back", "rolled-back", "reverted"]],
    ["rolling-back", ["failed"]],
  ] as const)("has no full bar: %s", (status, statuses) => {
    const { text } = messageOf({ status, serviceCount: statuses.length, waves: [] }, statuses);
    expect(text).not.toContain("100%");
  });

  it("is not done where every service was refused", () => {
    const { text } = messageOf({ status: "completed", serviceCount: 2, waves: [] }, ["refused", "refused"]);
    expect(text).toContain("has changed nothing: every service was refused");
    expect(text).toContain("2 services: 0 done, *2 refused*");
  });

  it("has a full bar once something was", () => {
    expect(messageOf({ status: "completed", serviceCount: 2 }, ["succeeded", "refused"]).text).toContain("100%");
  });
});

describe("the progress bar", () => {
  it.each([
    [-1, 0, "0%"],
    [0, 0, "0%"],
    [0.049, 0, "4%"],
    [0.05, 1, "5%"],
    [0.29, 5, "29%"],
    [0.999, 19, "99%"],
    [1, 20, "100%"],
    [7, 20, "100%"],
  ])("of %d has %i full cells and says %s", (done, cells, percent) => {
    expect(progressBar(done)).toBe(`\`${"█".repeat(cells)}${"░".repeat(20 - cells)}\` ${percent}`);
  });
});
