import { agreeing, counted } from "../base/plural.ts";
import type { OutgoingDetailOf } from "../events/outgoing.ts";
import { type Story, timeText } from "./layout.ts";
import { code } from "./mrkdwn.ts";
import { commandFor } from "./rollout-stories.ts";

/** The ledger was emptied or restored, or what runs is adopted since. */
export function ledgerStory(detail: OutgoingDetailOf<"Ledger Restored">): Story {
  const { state, cause, since, image, wished, differing = 0, rolloutId } = detail;
  const was = cause === "emptied" ? "was emptied" : "was restored to an earlier time";
  if (state === "noticed") {
    return {
      icon: ":rotating_light:",
      headline: `The ledger ${was}: nothing is rolled until what runs is adopted`,
      lines: [
        "Rollouts that it says are under way are ended. Two sweeps adopt the fleet, which takes about 30 minutes.",
        "Meanwhile no service joins or leaves the mesh, and none is corrected.",
      ],
      context: [],
    };
  }
  return {
    icon: ":white_check_mark:",
    headline: `The ledger ${was}: what runs is adopted`,
    lines: [
      ...(image === undefined ? [] : [`Most services run ${code(image, 300)}: it is taken as released.`]),
      ...(wished === undefined || wished === image
        ? []
        : [`Asked for is ${code(wished, 300)}: that starts no rollout. Request an upgrade to have it.`]),
      differing === 0
        ? "No service differs."
        : `${counted(differing, "service")} ${agreeing(differing, "differs", "differ")}. Nothing was rolled.`,
      ...(rolloutId === undefined
        ? []
        : [`*Now:* see what differs, then let the proposed rollout go on with ${commandFor("resume", rolloutId)}.`]),
    ],
    context: [`since ${timeText(since)}`],
  };
}
