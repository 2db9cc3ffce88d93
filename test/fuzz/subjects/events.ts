import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import { readAlarmChange } from "../../../shared/events/alarms.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import { alarmStory } from "../../../shared/slack/alarm-message.ts";
import { parseControl, parseRelease, parseRolloutRequest } from "../../../shared/use-cases/rollout/validate.ts";
import { eventFixture, eventFixtureNames } from "../../support/event-fixtures.ts";
import { all } from "../../support/outgoing-samples.ts";
import { altered, alteredObject } from "./altered.ts";
import { answered, hold, type Subject, subject } from "./subject.ts";

const own = all.map(
  ({ detailType, detail }): JsonObject => ({
    ...asJson({ source: "ztunnel-autopilot", "detail-type": detailType, account: "123456789012", region: "us-east-1" }),
    detail: asJson(detail),
  }),
);

const alarm: JsonObject = {
  source: "aws.cloudwatch",
  "detail-type": "CloudWatch Alarm State Change",
  account: "123456789012",
  region: "us-east-1",
  detail: {
    alarmName: "ztunnel-autopilot-prod-sweep-silent",
    state: { value: "ALARM", reason: "Threshold Crossed" },
    previousState: { value: "OK" },
    configuration: { description: "No sweep has ended for 45 minutes." },
  },
};

const OWN_ALARM = { sentence: "No sweep has ended for 45 minutes.", runbook: "sweep-silent" };
const SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/ecs-demo/shell-task";
const requests: readonly JsonObject[] = [
  { kind: "upgrade", rolloutId: "upgrade-one", image: "registry.example.com/ztunnel:1.28.2", requestedBy: "ann" },
  { kind: "rotate", scope: { accounts: ["123456789012"], services: ["web*"] }, overrides: { waves: [50, 100] } },
  { kind: "rollback", rolloutId: "upgrade-one", overrides: { ignoreFreeze: true } },
  { rolloutId: "upgrade-one", action: "pause", requestedBy: "ann" },
  { serviceArns: [SERVICE], requestedBy: "ann" },
];

/** What EventBridge delivers: of AWS, of the autopilot, of an operator. */
export const eventSubjects: readonly Subject[] = [
  subject({
    name: "events",
    inputs: altered(...eventFixtureNames.map(eventFixture)),
    answer: (event) =>
      answered(["malformed-event"], () => hold("it has a kind", typeof parseIncoming(event).kind === "string")),
  }),
  subject({
    name: "own events",
    inputs: altered(...own),
    answer: (event) => answered(["malformed-event"], () => readOutgoing(event)),
  }),
  subject({
    name: "alarms",
    inputs: alteredObject(alarm),
    answer: (event) =>
      answered(["malformed-event"], () => {
        const change = readAlarmChange(event);
        if (change) hold("its story has a headline", alarmStory(change, OWN_ALARM).headline.trim() !== "");
      }),
  }),
  subject({
    name: "operators' requests",
    inputs: altered(...requests),
    answer: (detail) => {
      const read = isJsonObject(detail) && "action" in detail ? parseControl : readRequest;
      return answered(["invalid-request", "invalid-image"], () => read(detail));
    },
  }),
];

function readRequest(detail: Json): unknown {
  return isJsonObject(detail) && "serviceArns" in detail ? parseRelease(detail) : parseRolloutRequest(detail);
}

function asJson(value: unknown): JsonObject {
  const json: Json = JSON.parse(JSON.stringify(value));
  if (!isJsonObject(json)) throw new TypeError("this is not an object");
  return json;
}
