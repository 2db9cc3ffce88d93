import type { AlarmChange } from "../events/alarms.ts";
import { layOut, quoted, type SlackMessage } from "./layout.ts";
import { escapeText, link } from "./mrkdwn.ts";

/** The message about an alarm: its name, what it means, why CloudWatch changed its state, where the runbook is. */
export function alarmMessage(
  { account, region, name, state, description, reason }: AlarmChange,
  stage?: string,
): SlackMessage {
  const { icon, words } = standingOf(state);
  return layOut(
    {
      icon,
      headline: `${escapeText(name, 300)} ${words}`,
      lines:
        state === "OK"
          ? []
          : [description, reason && `CloudWatch: ${reason}`]
              .filter(Boolean)
              .map((one) => quoted("", one, { maxLength: 1000 })),
      context: [`account ${account}, ${region}`, link(consoleUrl(region, name), "open in CloudWatch")],
    },
    stage,
  );
}

const standings = {
  ALARM: { icon: ":rotating_light:", words: "is in ALARM" },
  // Not green: an alarm on a single event ends by itself, while its cause may still need a person.
  OK: { icon: ":white_circle:", words: "is no longer in ALARM" },
  INSUFFICIENT_DATA: { icon: ":grey_question:", words: "has insufficient data" },
} as const;

function standingOf(state: string): { readonly icon: string; readonly words: string } {
  if (state === "ALARM" || state === "OK" || state === "INSUFFICIENT_DATA") return standings[state];
  return { icon: ":grey_question:", words: `is in a state that is new to the autopilot: ${escapeText(state, 50)}` };
}

function consoleUrl(region: string, name: string): string {
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  return `https://${host}/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
}
