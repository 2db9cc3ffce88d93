import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outgoing, readOutgoing } from "../../../shared/events/outgoing.ts";
import {
  rollFailed,
  rollSuperseded,
  serviceEnrolled,
  serviceRefused,
  serviceUpdated,
  serviceWarned,
} from "../../../shared/events/service-events.ts";
import type { BusEvent } from "../../../shared/ports/ports.ts";
import type { SlackMessage } from "../../../shared/slack/layout.ts";
import { code, escapeText } from "../../../shared/slack/mrkdwn.ts";
import { messageFor } from "../../support/messages.ts";
import { all, ref, rolloutEvents } from "../../support/outgoing-samples.ts";

const messageOf = ({ detailType, detail }: BusEvent): SlackMessage =>
  messageFor(readOutgoing({ source: "ztunnel-autopilot", "detail-type": detailType, detail }));

const textsOf = ({ blocks }: SlackMessage, type?: "mrkdwn"): string[] =>
  blocks
    .flatMap((block) => (block.type === "section" ? [block.text] : [...block.elements]))
    .filter((one) => type === undefined || one.type === type)
    .map(({ text }) => text);

describe("a message", () => {
  it.each(all)("for $detailType names what it is about and keeps to Slack's limits", (event) => {
    const message = messageOf(event);
    const shown = textsOf(message).join("\n");
    if (event.detailType === "Fleet Contested") expect(shown).toContain("in turns");
    else if (event.detailType === "Ledger Restored") expect(shown).toContain("The ledger was");
    else if (/^(Root CA|Mesh) /.test(event.detailType)) expect(shown).toContain("main");
    else if (event.detailType.startsWith("Rollout ")) expect(shown).toContain("upgrade-1");
    else for (const part of ["prod/web", "123456789012", "us-east-1"]) expect(shown).toContain(part);
    expect(message.text.length).toBeGreaterThan(10);
    withinLimits(message);
  });

  it("for a refusal gives every reason and its fix", () => {
    const shown = textsOf(
      messageOf(
        serviceRefused(ref, [
          { reason: "network-mode", detail: "The network mode is bridge." },
          { reason: "no-task-role", detail: "web:7" },
        ]),
      ),
    ).join("\n");
    expect(shown).toContain("The network mode is bridge.");
    expect(shown).toContain("Register a revision with networkMode awsvpc");
    expect(shown).toContain("Set taskRoleArn.");
  });

  it("for a service that runs no task claims no more than what was done, and says when its tasks are verified", () => {
    const change = { executionName: "web-0", taskDefinitionArn: "arn:aws:ecs:us-east-1:1:task-definition/web:8" };
    const texts = (verification: "pending" | "late") =>
      [serviceEnrolled(ref, { ...change, verification }), serviceUpdated(ref, { ...change, drift: [], verification })]
        .map((event) => messageOf(event).text)
        .join("\n");
    expect(texts("pending")).not.toContain("in the mesh");
    expect(texts("pending").match(/not verified/g)).toHaveLength(2);
    expect(texts("pending")).toContain("It is verified when it first has tasks.");
    expect(texts("late")).toContain("The first tasks since its last change are verified.");
  });

  it("for an enrollment says what a sidecar that redirects nothing leaves out of the mesh", () => {
    const taskDefinitionArn = "arn:aws:ecs:us-east-1:1:task-definition/web:8";
    const { text } = messageOf(serviceEnrolled(ref, { executionName: "web-0", taskDefinitionArn }));
    expect(text).toContain("Without the tag `ztunnel-autopilot/proxy-env`, outbound traffic is not in the mesh.");
    expect(text).toContain("stays reachable in plain text");
  });

  it("for a failed roll gives cause, fix and whether the service is back", () => {
    const failure = { executionName: "web-0", code: "secret-denied", sentence: "Task t1: no." };
    const back = messageOf(rollFailed(ref, { ...failure, reverted: true }));
    const lost = messageOf(rollFailed(ref, { ...failure, reverted: false }));
    expect(back.text).toContain("was reverted to the last good revision");
    expect(lost.text).toContain("could NOT be reverted");
    for (const message of [back, lost]) {
      expect(message.text).toContain("Task t1: no.");
      expect(message.text).toContain("Allow the execution role to read it");
    }
  });

  it("says a cause once, also where the step's own text has it", () => {
    const sentence = "AWS denied the call. UpdateService web: AccessDeniedException";
    const failure = { executionName: "web-0", code: "access-denied", sentence, reverted: true };
    expect(messageOf(rollFailed(ref, failure)).text.split("AWS denied the call.")).toHaveLength(2);
  });

  it("counts refusals that it does not show", () => {
    const many = Array.from({ length: 9 }, () => ({ reason: "bad-tag", detail: "x" }) as const);
    expect(messageOf(serviceRefused(ref, many)).text).toContain("… and 3 more");
  });

  it.each([
    ["superseded", "Somebody deployed the service during the roll."],
    ["already-as-desired", "The service already is as its tags ask for."],
    ["Deployment ecs-svc/3 brings web:9.", "Deployment ecs-svc/3 brings web:9."],
  ])("for a roll that ended as %s gives the reason in a sentence", (reason, sentence) => {
    const [, why] = messageOf(rollSuperseded(ref, { executionName: "web-0", reason })).text.split("\n");
    expect(why).toBe(sentence);
  });

  it("shows times as people read them", () => {
    const texts = all.map((event) => textsOf(messageOf(event)).join("\n"));
    expect(texts.join("\n")).toContain("is valid until 2026-12-24 00:00 UTC.");
    expect(texts.join("\n")).toContain("not tried again before 2026-11-21 10:00 UTC.");
    for (const text of texts) expect(text).not.toMatch(/\d{4}-\d\d-\d\dT/);
  });

  it("is loud about tasks that a bundle cuts off, and only then", () => {
    const bundle = { controlPlane: "main", fingerprints: ["BB"], previousFingerprints: ["AA"] };
    const loud = messageOf(outgoing("Root CA Changed", { ...bundle, cutOff: { services: 3, tasks: 12 } })).text;
    expect(loud).toMatch(/^:rotating_light: .*12 running tasks in 3 services CUT OFF\n/);
    expect(loud).toContain("put the old root CA back into the bundle");
    for (const cutOff of [undefined, { services: 0, tasks: 0 }]) {
      const calm = messageOf(outgoing("Root CA Changed", { ...bundle, ...(cutOff && { cutOff }) })).text;
      expect(calm).toMatch(/^:key: /);
      expect(calm).not.toContain("CUT OFF");
    }
  });

  it("calls a root that has expired what it is: who is cut off, the certificate with its dates, and what is valid", () => {
    const dates = { notBefore: "2016-10-18T00:00:00.000Z", notAfter: "2026-10-18T00:00:00.000Z" };
    const expired = { controlPlane: "main", fingerprint: "AA", subject: "CN=old", ...dates, daysLeft: 0 };
    const valid = { fingerprint: "BB", subject: "CN=new", ...dates };
    const textOf = (more: object) => messageOf(outgoing("Root CA Expiring", { ...expired, ...more })).text;
    const loud = textOf({ cutOff: { services: 3, tasks: 12 }, keep: [valid] });
    expect(loud).toMatch(/^:rotating_light: .*has expired: 12 running tasks in 3 services CUT OFF\n/);
    for (const part of ["CN=old", "2016-10-18", "2026-10-18", "CN=new", "The rotation gives it"])
      expect(loud).toContain(part);
    const hopeless = textOf({ cutOff: { services: 3, tasks: 12 }, keep: [] });
    expect(hopeless).toContain("publish a root CA that is valid");
    const calm = textOf({ cutOff: { services: 0, tasks: 0 }, keep: [valid] });
    expect(calm).toMatch(/^:hourglass: .*has expired\n/);
    expect(calm).not.toContain("CUT OFF");
  });

  it("says which root CA to remove, and which to keep", () => {
    const shown = textsOf(
      messageOf(outgoing("Root CA Retirable", { controlPlane: "main", fingerprints: ["AA"], remaining: ["BB"] })),
    );
    expect(shown.join("\n")).toContain("no running task needs the old root CA any more");
    expect(shown).toEqual(expect.arrayContaining(["remove: `AA`", "keep: `BB`"]));
  });

  it("shows what others wrote as text only, however long it is", () => {
    const texts = fc.string({
      unit: fc.constantFrom("<", ">", "&", "!here", "`", "\n", "x", "é", "😀"),
      maxLength: 4000,
    });
    fc.assert(
      fc.property(texts, (detail) => {
        for (const event of [
          serviceWarned(ref, [{ code: "headroom", detail }]),
          serviceRefused(
            ref,
            Array.from({ length: 12 }, () => ({ reason: "bad-tag", detail }) as const),
          ),
          rollFailed(ref, { executionName: "e", code: "tasks-stopping", sentence: detail, reverted: false }),
          ...rolloutEvents.map((event) => withTexts(event, detail)),
        ]) {
          const message = messageOf(event);
          withinLimits(message);
          // What is in plain text is shown as it is.
          for (const text of [message.text, ...textsOf(message, "mrkdwn")]) {
            expect(text.replace(/<https:\/\/[^|<>]+\|open in ECS>/, "")).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
          }
        }
      }),
    );
  });

  it("for a refused service that is in the mesh does not say that it can't join", () => {
    const refused = [{ reason: "bad-tag", detail: "ports" }] as const;
    expect(messageOf(serviceRefused(ref, refused)).text).toContain("can't join the mesh");
    const { text } = messageOf(serviceRefused(ref, refused, { enrolled: true }));
    expect(text).toContain("stays in the mesh as it is");
    expect(text).not.toContain("can't join");
  });

  it("for a failed roll names the time of the next attempt only where there is one", () => {
    const failed = { executionName: "e", code: "tasks-stopping", sentence: "s", nextAttemptAt: "2026-01-05T12:25:00Z" };
    const words = "not tried again before";
    expect(messageOf(rollFailed(ref, { ...failed, reverted: true })).text).toContain(words);
    expect(messageOf(rollFailed(ref, { ...failed, reverted: true, rolloutId: "upgrade-1" })).text).not.toContain(words);
    expect(messageOf(rollFailed(ref, { ...failed, reverted: false })).text).not.toContain(words);
  });

  it("for a control plane whose name is odd stays a text", () => {
    const event = outgoing("Root CA Changed", {
      controlPlane: "<!channel>",
      fingerprints: ["AA"],
      previousFingerprints: [],
    });
    expect(messageOf(event).text).toContain("&lt;!channel&gt;");
  });
});

/** The event with the text wherever somebody's own words are. */
function withTexts({ detailType, detail, resources }: BusEvent, text: string): BusEvent {
  const words = ["why", "requestedBy", "detail", "wave", "nextWave"];
  const changed = Object.entries(detail).map(([name, value]) => [name, words.includes(name) ? text : value]);
  return { detailType, detail: Object.fromEntries(changed), resources };
}

function withinLimits({ text, blocks }: SlackMessage): void {
  expect(text.length).toBeLessThanOrEqual(4000);
  expect(blocks.length).toBeLessThanOrEqual(50);
  for (const block of blocks) {
    if (block.type === "section") expect(block.text.text.length).toBeLessThanOrEqual(3000);
    else expect(block.elements.length).toBeLessThanOrEqual(10);
  }
}

describe("escapeText", () => {
  it.each([
    ["a <b> & c", 100, "a &lt;b&gt; &amp; c"],
    ["two\r\nlines\u0000", 100, "two lines"],
    ["abcdef", 6, "abcdef"],
    ["abcdefg", 6, "abcde…"],
    ["ab<<", 6, "ab…"],
  ])("of %j within %i is %j", (text, limit, escaped) => {
    expect(escapeText(text, limit)).toBe(escaped);
  });

  it("never passes the limit and never cuts an entity or a character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 50 }), (text, limit) => {
        const escaped = escapeText(text, limit);
        expect(escaped.length).toBeLessThanOrEqual(limit);
        expect(escaped).not.toMatch(/&(?!amp;|lt;|gt;)/);
        expect(escaped.isWellFormed()).toBe(true);
      }),
    );
  });

  it("as code has no backtick inside", () => {
    expect(code("a`b", 10)).toBe("`a'b`");
    expect(code("abcdef", 6)).toBe("`abc…`");
  });
});
