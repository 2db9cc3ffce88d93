import { alarmDescription, type OwnAlarm } from "../base/own-alarms.ts";
import { urlEncoded } from "../base/redaction.ts";
import type { AlarmChange } from "../events/alarms.ts";
import type { Story } from "./layout.ts";
import { link, nameText } from "./mrkdwn.ts";

/**
 * What an alarm of the autopilot's own that has changed says to people: its name, what it means, where its runbook is.
 * The texts are the autopilot's, since the event's can be written by anybody who can write an alarm.
 */
export function alarmStory({ account, region, name, state }: AlarmChange, own: OwnAlarm): Story {
  const { icon, words } = standingOf(state);
  return {
    icon,
    headline: `${nameText(name, 300)} ${words}`,
    lines: state === "OK" ? [] : [alarmDescription(own)],
    context: [`account ${account}, ${region}`, link(consoleUrl(region, name), "open in CloudWatch")],
  };
}

const standings = {
  ALARM: { icon: ":rotating_light:", words: "is in ALARM" },
  // Not green: an alarm on a single event ends by itself, while its cause may still need a person.
  OK: { icon: ":white_circle:", words: "is no longer in ALARM" },
  INSUFFICIENT_DATA: { icon: ":grey_question:", words: "has insufficient data" },
} as const;

function standingOf(state: string): { readonly icon: string; readonly words: string } {
  if (state === "ALARM" || state === "OK" || state === "INSUFFICIENT_DATA") return standings[state];
  return { icon: ":grey_question:", words: `is in a state that is new to the autopilot: ${nameText(state, 50)}` };
}

function consoleUrl(region: string, name: string): string {
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  return `https://${host}/cloudwatch/home?region=${region}#alarmsV2:alarm/${urlEncoded(name)}`;
}
