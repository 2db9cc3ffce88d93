import { describe, expect, it } from "vitest";
import { withStage } from "../../../shared/base/own-commands.ts";
import { agreeing, counted, tasksRun } from "../../../shared/base/plural.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import {
  type RolloutServiceStatus,
  rolloutKinds,
  rolloutServiceStatuses,
  rolloutStatuses,
} from "../../../shared/model/rollout.ts";
import { progressOf } from "../../../shared/rollout/progress.ts";
import type { SlackMessage } from "../../../shared/slack/layout.ts";
import { rolloutMessage } from "../../../shared/slack/rollout-message.ts";
import { isNews, rulesOf, topicOf } from "../../../shared/slack/topics.ts";
import { messageFor } from "../../support/messages.ts";
import { all } from "../../support/outgoing-samples.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";

const NOUNS =
  "service|task|running task|roll|rotation|wave|certificate|day|change|minute|hour|rollout|group|thing|value|" +
  "control plane|alarm|root CA|more cause|other rollout";
/** Words that go with one, and with several. */
const ONE = "is|was|has|does|stays|trusts|runs|expires|waits";
const SEVERAL = "are|were|have|do|stay|trust|run|expire|wait|they|them|their";
const wrong = [
  new RegExp(`\\b1 (${NOUNS})s\\b`),
  new RegExp(`\\b(0|2) (${NOUNS})(?!s)\\b`),
  new RegExp(`(^|\\D )1 (${NOUNS}) (${SEVERAL})\\b`),
  new RegExp(`(^|\\D )(0|2) (${NOUNS})s (${ONE})\\b`),
  new RegExp(`\\b1 (${NOUNS})\\b[^.:•\\n]*\\b(they|them|their|these)\\b`, "i"),
  /\b1 (times|of these)\b/,
];

function textOf({ text, blocks }: SlackMessage): string {
  const parts = blocks.flatMap((block) =>
    block.type === "context" ? block.elements.map((one) => one.text) : [block.text.text],
  );
  return [text, ...parts].join("\n");
}

/** What is wrong with a message of the stage `dev`. */
function problemsOf(message: SlackMessage): readonly string[] {
  const text = textOf(message);
  const withoutLinks = text.replace(/<https:[^>]*>/g, "");
  const commands = text.match(/npm run autopilot -- [^`\n]*/g) ?? [];
  return [
    ...wrong.flatMap((pattern) => pattern.exec(text)?.[0] ?? []),
    ...(withoutLinks.match(/arn:aws\S*/g) ?? []),
    ...commands.filter((command) => !/--(stage dev|help)$/.test(command)),
    ...(text.includes("stage dev") ? [] : ["no stage"]),
  ];
}

/** The value with each of its numbers replaced, one at a time and all at once. */
function withCounts(value: unknown, count: number): readonly unknown[] {
  const paths = numbersIn(value, []);
  const one = paths.map((path) => replaced(value, [path], count));
  return [replaced(value, paths, count), ...one];
}

function numbersIn(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value === "number" && path.at(-1) !== "version") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => numbersIn(member, [...path, key]));
}

function replaced(value: unknown, paths: readonly (readonly string[])[], count: number): unknown {
  const copy: unknown = structuredClone(value);
  for (const path of paths) {
    const last = path.at(-1);
    let at: unknown = copy;
    for (const key of path.slice(0, -1)) at = typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined;
    if (typeof at === "object" && at !== null && last !== undefined) Reflect.set(at, last, count);
  }
  return copy;
}

const delivered = all.map(({ detailType, detail }) => ({
  source: "ztunnel-autopilot",
  "detail-type": detailType,
  detail,
}));

describe.each([0, 1, 2])("with the count %i", (count) => {
  it.each(delivered.map((event) => [event["detail-type"], event] as const))(
    "the message of %s is right",
    (_, event) => {
      for (const detail of withCounts(event.detail, count)) {
        let outgoing: ReturnType<typeof readOutgoing>;
        try {
          outgoing = readOutgoing({ ...event, detail });
        } catch {
          // No event has this count.
          continue;
        }
        expect(problemsOf(messageFor(outgoing, "dev")), JSON.stringify(detail)).toEqual([]);
      }
    },
  );

  it("the headlines of groups are right", () => {
    const news = delivered.map((event) => readOutgoing(event)).filter(isNews);
    const topics = new Set(news.map((event) => topicOf(event).topic));
    const headlines = [...topics, "alarm x", "later"].map((topic) => rulesOf(topic).headline(count));
    expect(headlines.flatMap((text) => wrong.flatMap((pattern) => pattern.exec(text)?.[0] ?? []))).toEqual([]);
  });

  it.each(rolloutStatuses)("the message of a rollout that is %s is right", (status) => {
    for (const kind of rolloutKinds) {
      for (const of of rolloutServiceStatuses) {
        const statuses: RolloutServiceStatus[] = Array.from({ length: count }, () => of);
        const waves = count === 0 ? [] : [wave("canary", 0, count - 1, "rolling")];
        const one = rollout({ kind, status, serviceCount: count, waves, startedAt: "2026-03-01T12:00:00Z" });
        const services = statuses.map((each, ordinal) => rolloutService(ordinal, { status: each }));
        const ahead = rollout({ id: "rotate-1", kind: "rotate" });
        const message = rolloutMessage(one, progressOf(one, services), Date.parse("2026-03-01T13:00:00Z"), {
          stage: "dev",
          ahead,
        });
        expect(problemsOf(message), of).toEqual([]);
      }
    }
  });
});

describe("a text with a count", () => {
  it("has the noun and the verb that go with it", () => {
    expect([0, 1, 2].map((count) => counted(count, "service"))).toEqual(["0 services", "1 service", "2 services"]);
    expect([0, 1, 2].map((count) => agreeing(count, "is", "are"))).toEqual(["are", "is", "are"]);
    expect([tasksRun(0, 1), tasksRun(1, 1), tasksRun(1, 3), tasksRun(2, 3)]).toEqual([
      "0 of 1 task run",
      "1 of 1 task runs",
      "1 of 3 tasks runs",
      "2 of 3 tasks run",
    ]);
  });
});

describe("a command of ours in a text", () => {
  const list = "npm run autopilot -- rollout list";
  it.each([
    [`See \`${list}\`.`, `See \`${list} --stage dev\`.`],
    [`Watch it: ${list}\n`, `Watch it: ${list} --stage dev\n`],
    [`It is ${list}.`, `It is ${list} --stage dev.`],
    [`\u001b[33m${list}\u001b[39m`, `\u001b[33m${list} --stage dev\u001b[39m`],
    [`${list} --stage other`, `${list} --stage other`],
    [`${list} --help`, `${list} --help`],
    ["npm test", "npm test"],
  ])("%j names the stage", (text, expected) => {
    expect(withStage(text, "dev")).toBe(expected);
    expect(withStage(text, undefined)).toBe(text);
  });
});
