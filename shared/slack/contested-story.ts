import { failureFixes } from "../base/failure-fixes.ts";
import { counted } from "../base/plural.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";
import { quoted, type Story } from "./layout.ts";
import { nameText } from "./mrkdwn.ts";

const words = {
  image: "the fleet's image",
  settings: "the sidecar's settings",
  "mesh-facts": "the root CA or the address",
} as const;

/** The story of `Fleet Contested`. */
export function contestedStory(detail: Extract<OutgoingEvent, { detailType: "Fleet Contested" }>["detail"]): Story {
  const { of, controlPlane, changes, values } = detail;
  const whose = controlPlane === undefined ? "" : ` of ${nameText(controlPlane, 100)}`;
  return {
    icon: ":crossed_swords:",
    headline: `Two writers change ${words[of]}${whose} in turns`,
    lines: [
      `${counted(changes, "change")} within an hour, between:`,
      ...values.map((value) => quoted("", value)),
      "Nothing of it is rolled out until they rest.",
      `_Fix:_ ${failureFixes["wish-contested"]}`,
    ],
    context: [],
  };
}
