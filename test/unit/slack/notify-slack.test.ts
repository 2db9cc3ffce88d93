import { describe, expect, it } from "vitest";
import autopilotConfig from "../../../autopilot.config.ts";
import { notifySlack } from "../../../functions/notify-slack.ts";
import type { Tools } from "../../../functions/observability.ts";
import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import type { BusEvent } from "../../../shared/ports/ports.ts";
import type { SlackMessage } from "../../../shared/slack/layout.ts";
import { all } from "../../support/outgoing-samples.ts";
import { rollout } from "../../support/rollouts.ts";

/** What a rollout's own message counts. */
const counted = [
  "Service Enrolled",
  "Service Updated",
  "Service Unenrolled",
  "Drift Corrected",
  "Service Roll Superseded",
];

/** What the rollout's own message and its thread tell. */
const isForRollout = ({ detailType }: BusEvent) =>
  detailType.startsWith("Rollout ") && detailType !== "Rollout Refused";

const nothing = () => undefined;
const silent: Tools = {
  log: { info: nothing, warn: nothing, error: nothing, appendKeys: nothing },
  measure: { count: nothing, record: nothing },
};

/** What the function does with an event, and the messages that it posts. */
async function notified({ detailType, detail }: BusEvent, rolloutId?: string, ledger = memoryLedger()) {
  const posted: SlackMessage[] = [];
  const webhook = {
    updates: false,
    postMessage: async (message: SlackMessage) => {
      posted.push(message);
      return {};
    },
    updateMessage: () => Promise.reject(new Error("a webhook updates nothing")),
  };
  const step = notifySlack(
    {
      config: parseConfig(autopilotConfig),
      stage: "prod",
      now: () => 0,
      pause: async () => undefined,
      ledger,
    },
    async () => webhook,
  );
  const members = rolloutId === undefined ? detail : { ...detail, rolloutId };
  const event = { source: "ztunnel-autopilot", "detail-type": detailType, detail: members };
  const answer = await step(event, silent);
  return { answer, messages: posted.length };
}

const aboutServices = all.filter(({ detailType }) => /^(Service|Drift) /.test(detailType));
const notOfRolls = ["Service Warned", "Service Unhealthy", "Service Contested", "Service Throttled"];
const ofRolls = aboutServices.filter(({ detailType }) => !notOfRolls.includes(detailType));

describe("the end of a roll that says the same again", () => {
  const ends = all.filter(({ detailType }) => ["Service Roll Failed", "Service Refused"].includes(detailType));

  it.each(ends)("notifies nobody: $detailType", async (event) => {
    const again = { ...event, detail: { ...event.detail, known: true, recheckRequested: true } };
    expect(await notified(again)).toEqual({ answer: { did: "known-already" }, messages: 0 });
  });
});

describe("the function notify-slack", () => {
  it.each(all.filter((event) => !isForRollout(event)))("posts $detailType outside of a rollout", async (event) => {
    expect(await notified(event)).toEqual({ answer: { did: "posted" }, messages: 1 });
  });

  it.each(all.filter(isForRollout))("leaves $detailType to the rollout's own message", async (event) => {
    expect(await notified(event)).toEqual({ answer: { did: "left-to-rollout" }, messages: 0 });
  });

  it.each(ofRolls)(
    "posts $detailType of a rollout's roll only if the rollout's message does not count it",
    async (event) => {
      const expected = counted.includes(event.detailType)
        ? { answer: { did: "left-to-rollout" }, messages: 0 }
        : { answer: { did: "posted" }, messages: 1 };
      expect(await notified(event, "upgrade-1")).toEqual(expected);
    },
  );

  it("leaves the failures of a rotation that repeats an emergency to the first one's thread", async () => {
    const ledger = memoryLedger();
    await ledger.createRollout(rollout({ id: "rotate-2", repeats: "rotate-1" }));
    for (const event of ofRolls.filter(({ detailType }) => detailType === "Service Roll Failed"))
      expect(await notified(event, "rotate-2", ledger)).toMatchObject({ messages: 0 });
  });
});
