/** What events about a root CA bundle say to people. */

import { agreeing, counted } from "../base/plural.ts";
import type { OutgoingDetailOf } from "../events/outgoing.ts";
import { certificateProblems } from "../model/reason-texts.ts";
import { quoted, type Story, type StoryLine, timeText } from "./layout.ts";
import { code, nameText } from "./mrkdwn.ts";
import { planeText } from "./names.ts";
import { commandFor } from "./rollout-stories.ts";

type Detail<
  T extends "Root CA Stage" | "Root CA Changed" | "Root CA Emergency" | "Root CA Retirable" | "Root CA Expiring",
> = OutgoingDetailOf<T>;

/** A bundle that cuts off tasks is the one change that can't wait. */
export function rootCaChangedStory(detail: Detail<"Root CA Changed">): Story {
  const { fingerprints, previousFingerprints, certificates = [], cutOff } = detail;
  const problems = problemLines(certificates).slice(0, 3);
  const contents = `It has ${counted(fingerprints.length, "certificate")} now, and had ${previousFingerprints.length} before.`;
  const context = fingerprints.slice(0, 5).map((fingerprint) => code(fingerprint, 120));
  const headline = `The root CA bundle of ${planeText(detail)} has changed`;
  if (cutOff === undefined || cutOff.services === 0)
    return { icon: ":key:", headline, lines: [contents, ...problems], context };
  const { tasks, services, unreachable = 0 } = cutOff;
  return {
    icon: ":rotating_light:",
    headline: `${headline}: ${cutOffWords(services, tasks)} CUT OFF`,
    lines: [
      `${contents} Tasks that trust none of them lose the mesh.`,
      ...unreachableLines(unreachable),
      "*Now:* put the old root CA back into the bundle until no running task needs it, or let the rotation continue at once.",
      ...problems,
    ],
    context,
  };
}

function cutOffWords(services: number, tasks: number): string {
  if (tasks === 0) return counted(services, "service");
  return `${counted(tasks, "running task")} in ${counted(services, "service")}`;
}

function unreachableLines(unreachable: number): readonly string[] {
  if (unreachable === 0) return [];
  return [
    `${counted(unreachable, "service")} of these can't be read or left the configuration: no rotation reaches ${agreeing(unreachable, "it", "them")}. See ${code("npm run autopilot -- status", 100)}`,
  ];
}

/** Said once a day for as long as it lasts: the rotations themselves are quiet. */
export function emergencyStory(detail: Detail<"Root CA Emergency">): Story {
  const { state, services, tasks, unreachable = 0, since, attempts, rolloutId, by = "" } = detail;
  if (state === "over") {
    return {
      icon: ":white_check_mark:",
      headline: `${planeText(detail)}: no task is cut off from its root CA any more`,
      lines: [`It was so since ${timeText(since)}, and took ${counted(attempts, "rotation")}.`],
      context: [],
    };
  }
  const again = `npm run autopilot -- rollout request rotate --control-plane ${detail.controlPlane}`;
  return {
    icon: ":rotating_light:",
    headline: `${planeText(detail)}: ${cutOffWords(services, tasks)} still CUT OFF`,
    lines: [
      `None of its root CAs is trusted there, since ${timeText(since)}. There ${agreeing(attempts, "was", "were")} ${counted(attempts, "rotation")}.`,
      ...unreachableLines(unreachable),
      ...(state === "stopped"
        ? [
            `*Stopped* by ${nameText(by)}: the rotation is not repeated.`,
            `*Now:* let the rotation go on: ${code(again, 300)}`,
          ]
        : repetitionLines(detail)),
    ],
    context: rolloutId === undefined ? [] : [`last rotation: ${code(rolloutId, 100)}`],
  };
}

function repetitionLines({ services, unreachable, rolloutId }: Detail<"Root CA Emergency">): readonly string[] {
  const back = "*Now:* put the old root CA back into the bundle until no running task needs it, or mend what fails.";
  if (unreachable === services) return [back];
  return [
    "It is tried again by itself, at least once an hour, until no task is cut off.",
    back,
    ...(rolloutId === undefined ? [] : [`Stop it with ${commandFor("abort", rolloutId)}.`]),
  ];
}

/** The old certificates may go. */
export function retirableStory(detail: Detail<"Root CA Retirable">): Story {
  const { fingerprints, remaining, retire = [], keep = [] } = detail;
  const isOne = fingerprints.length === 1;
  return {
    icon: ":unlock:",
    headline: `${planeText(detail)}: no running task needs ${isOne ? "the old root CA" : "the old root CAs"} any more`,
    lines: [
      `*Now:* remove ${isOne ? "it" : "them"} from the root CA bundle. The services are then rolled once more, to trust the remaining ones alone.`,
      ...retire.slice(0, 2).map((one) => certificateLine("remove", one)),
      ...keep.slice(0, 2).map((one) => certificateLine("keep", one)),
    ],
    context: [
      ...fingerprints.slice(0, 4).map((fingerprint) => `remove: ${code(fingerprint, 120)}`),
      ...remaining.slice(0, 4).map((fingerprint) => `keep: ${code(fingerprint, 120)}`),
    ],
  };
}

type Certificate = NonNullable<Detail<"Root CA Retirable">["keep"]>[number];

/** A certificate by its subject, and its dates. */
function certificateLine(lead: string, { subject, notBefore, notAfter }: Certificate): StoryLine {
  return quoted(`• ${lead}`, subject, { tail: `valid from ${timeText(notBefore)} until ${timeText(notAfter)}` });
}

/** The certificates of the bundle that tasks can't rely on as roots. */
function problemLines(certificates: readonly Certificate[]): readonly StoryLine[] {
  return certificates.flatMap(({ subject, problem, notBefore, notAfter }) => {
    if (problem === undefined) return [];
    const dates = `valid from ${timeText(notBefore)} until ${timeText(notAfter)}`;
    return [quoted(":warning:", subject, { tail: `${certificateProblems[problem]} (${dates}).` })];
  });
}

const stageWords = {
  "sign-with-new": {
    headline: "all tasks trust both root CAs, and istiod still signs with the old one",
    next: "*Now:* have istiod sign with the new root CA, and leave both in the bundle.",
  },
  unknown: {
    headline: "all tasks trust both root CAs, and it can't be seen which one signs",
    next: "*Now:* let `watch-root-ca` reach istiod's address. Until then, the old root CA is not called retirable.",
  },
  "running-out": {
    headline: "istiod signs with the new root CA",
    next: "*Now:* wait. Certificates that the old one has signed are valid for a while; both stay in the bundle.",
  },
} as const;

/** What is to be done next in a rotation. */
export function stageStory(detail: Detail<"Root CA Stage">): Story {
  const { stage, retire = [], keep = [], until, why } = detail;
  const { headline, next } = stageWords[stage];
  return {
    icon: ":key:",
    headline: `${planeText(detail)}: ${headline}`,
    lines: [
      next,
      ...(until === undefined ? [] : [`They have run out by ${timeText(until)}.`]),
      ...(why === undefined ? [] : [quoted("*Why:*", why)]),
      ...retire.slice(0, 2).map((one) => certificateLine("old:", one)),
      ...keep.slice(0, 2).map((one) => certificateLine("new:", one)),
    ],
    context: [],
  };
}

/** A certificate ends soon, or has ended: then tasks that trust nothing else are cut off. */
export function expiringStory(detail: Detail<"Root CA Expiring">): Story {
  const { daysLeft, subject, notBefore, notAfter, fingerprint, cutOff } = detail;
  const ends = daysLeft > 0 ? `expires in ${counted(daysLeft, "day")}` : "has expired";
  const from = notBefore === undefined ? "" : `from ${timeText(notBefore)} `;
  const dates = `${daysLeft > 0 ? "is" : "was"} valid ${from}until ${timeText(notAfter)}.`;
  const isCutOff = cutOff !== undefined && cutOff.services > 0;
  return {
    icon: isCutOff ? ":rotating_light:" : ":hourglass:",
    headline: `A root CA of ${planeText(detail)} ${ends}${isCutOff ? `: ${cutOffWords(cutOff.services, cutOff.tasks)} CUT OFF` : ""}`,
    lines: [quoted("", subject, { tail: dates }), ...(daysLeft > 0 ? [] : expiredLines(detail))],
    context: [code(fingerprint, 120)],
  };
}

function expiredLines({ cutOff, keep }: Detail<"Root CA Expiring">): readonly StoryLine[] {
  if (cutOff === undefined || keep === undefined) return [];
  const kept = keep.slice(0, 2).map((one) => certificateLine("valid:", one));
  if (cutOff.services === 0) return ["No running task trusts it alone.", ...kept];
  const why = "These tasks trust no root that is valid: what proves itself to them by it is refused.";
  if (keep.length === 0) {
    return [
      why,
      "*Now:* publish a root CA that is valid, and have istiod sign with it: the rotation starts by itself.",
    ];
  }
  return [why, "*Now:* have istiod sign with a root that is valid. The rotation gives it to these tasks.", ...kept];
}
