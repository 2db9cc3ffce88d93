import type { AlarmChange } from "../events/alarms.ts";
import { layOut, type SlackMessage, said } from "./layout.ts";
import { escapeText, link } from "./mrkdwn.ts";

/** The message that tells an alarm: which, what it means, why CloudWatch set it off, where the runbook is. */
export function alarmMessage({ account, region, name, state, description, reason }: AlarmChange): SlackMessage {
  const { icon, says } = told[state];
  return layOut({
    icon,
    headline: `${escapeText(name, 300)} ${says}`,
    lines:
      state === "OK"
        ? []
        : [description, reason && `CloudWatch: ${reason}`].filter(Boolean).map((one) => said(one, 1000)),
    context: [`account ${account}, ${region}`, link(consoleUrl(region, name), "open in CloudWatch")],
  });
}

const told = {
  ALARM: { icon: ":rotating_light:", says: "is in ALARM" },
  // What it told of may still have to be seen to: an alarm on something that happened ends by itself.
  OK: { icon: ":white_circle:", says: "is no longer in ALARM" },
  INSUFFICIENT_DATA: { icon: ":grey_question:", says: "has too little data" },
} as const;

function consoleUrl(region: string, name: string): string {
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  return `https://${host}/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
}
