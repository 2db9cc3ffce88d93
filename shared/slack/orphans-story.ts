import { serviceRef } from "../base/arn.ts";
import { agreeing, counted } from "../base/plural.ts";
import type { OutgoingDetailOf } from "../events/outgoing.ts";
import { ORPHAN_FIX, orphanReasons } from "../model/reason-texts.ts";
import type { Story } from "./layout.ts";
import { nameText } from "./mrkdwn.ts";
import { serviceText } from "./names.ts";

/** No sweep reads services in the mesh any more, or an operator has released them. */
export function orphansStory({ state, services, named, by = "" }: OutgoingDetailOf<"Services Orphaned">): Story {
  const names = named.slice(0, 5).map((one) => `• ${serviceText(one)}: ${orphanReasons[one.why]}`);
  const more = services - names.length;
  const shown = names.slice(0, more > 0 ? 3 : 5);
  const lines = [...shown, ...(more > 0 ? [`… and ${services - shown.length} more`] : [])];
  const them = agreeing(services, "it", "them");
  const context = [...new Set(named.map(({ serviceArn }) => placeOf(serviceArn)))].slice(0, 5);
  if (state === "released") {
    return {
      icon: ":wave:",
      headline: `${counted(services, "service")} released: the autopilot counts on nothing of ${them} any more`,
      lines: [...lines, `By ${nameText(by)}. Tasks run as they are.`],
      context,
    };
  }
  return {
    icon: ":ghost:",
    headline: `${counted(services, "service")} in the mesh: no sweep can read ${them} any more`,
    lines: [
      ...lines,
      "Without sweeps a service gets no new root CA, and holds the gate of a root CA rotation.",
      `_Fix:_ ${ORPHAN_FIX}`,
    ],
    context,
  };
}

function placeOf(serviceArn: string): string {
  const { account, region } = serviceRef(serviceArn);
  return `account ${account}, ${region}`;
}
