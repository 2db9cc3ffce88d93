import { parseServiceArn } from "../base/arn.ts";
import { failureText } from "../base/failure-fixes.ts";
import { counted } from "../base/plural.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";
import { rolloutKinds } from "../model/rollout.ts";
import { durationText, quoted, type Story, type StoryLine, timeText } from "./layout.ts";
import { code, nameText } from "./mrkdwn.ts";

/** An event about a rollout as a whole. */
export type RolloutEvent = Extract<OutgoingEvent, { detailType: `Rollout ${string}` }>;
type Detail<T extends RolloutEvent["detailType"]> = Extract<RolloutEvent, { detailType: T }>["detail"];

/** True for an event about a rollout as a whole. */
export function isRolloutEvent(event: OutgoingEvent): event is RolloutEvent {
  return event.detailType.startsWith("Rollout ");
}

/** The kinds of rollouts for people. */
export const kindWords = {
  rotate: "Root CA rotation",
  endpoint: "Rollout of istiod's address",
  upgrade: "ztunnel upgrade",
  reconfigure: "Reconfiguration",
  unenroll: "Unenrollment",
} as const;

const SHOWN_STUCK = 10;

/**
 * The story of an event about a rollout, for the thread of the rollout's message, or on its own where there is none.
 */
export function rolloutStory({ detailType, detail }: RolloutEvent): Story {
  switch (detailType) {
    case "Rollout Started":
      return {
        icon: ":rocket:",
        headline: `${kindWords[detail.kind]} has started`,
        lines: [
          quoted(
            `${counted(detail.services, "service")} in ${counted(detail.waves, "wave")}, requested by ${nameText(detail.requestedBy)}:`,
            detail.why,
          ),
        ],
        context: [idOf(detail)],
      };
    case "Rollout Refused":
      return refusedStory(detail);
    case "Rollout Wave Completed":
      return {
        icon: detail.failed + (detail.refused ?? 0) > 0 ? ":large_orange_circle:" : ":large_green_circle:",
        headline: `Wave ${detail.number} of ${detail.waves} is done: ${nameText(detail.wave, 100)}`,
        lines: [countsText(detail)],
        context: [idOf(detail)],
      };
    case "Rollout Paused":
      return {
        icon: holdIcons[detail.hold],
        headline: `${kindWords[detail.kind]} ${waitWords(detail)}`,
        lines: [quoted("", detail.detail, { tail: holdFix(detail) })],
        context: [idOf(detail)],
      };
    case "Rollout Completed":
      return completedStory(detail);
    case "Rollout Rolled Back":
      return rolledBackStory(detail);
  }
}

/** The lines with the reason and what to do: the sentence and the fix of the failure, if the code is one. */
export function reasonLines({ code: name, detail }: { readonly code: string; readonly detail: string }): StoryLine[] {
  const known = failureText(name);
  if (!known) return [quoted("*Why:*", `${name} ${detail}`)];
  const reason = detail.includes(known.sentence) ? detail : `${known.sentence} ${detail}`;
  return [quoted("*Why:*", reason), ...(known.fix === "Nothing to do." ? [] : [`*Fix:* ${known.fix}`])];
}

/** The command by which an operator acts on a rollout. */
export function commandFor(action: "abort" | "approve" | "resume" | "status", rolloutId: string): string {
  return code(`npm run autopilot -- rollout ${action} ${rolloutId}`, 200);
}

const holdIcons = {
  operator: ":double_vertical_bar:",
  approval: ":raised_hand:",
  freeze: ":snowflake:",
  turn: ":hourglass:",
} as const;

function waitWords({ hold, nextWave }: Detail<"Rollout Paused">): string {
  if (hold === "turn") return "waits for its turn to be rolled back";
  return `waits${nextWave === undefined ? "" : ` before wave ${nameText(nextWave, 100)}`}`;
}

function holdFix({ hold, rolloutId, until }: Detail<"Rollout Paused">): string {
  switch (hold) {
    case "operator":
      return `Resume with ${commandFor("resume", rolloutId)}.`;
    case "approval":
      return `Approve with ${commandFor("approve", rolloutId)}.`;
    case "freeze":
      return until === undefined ? "" : `It resumes by itself at ${timeText(until)}.`;
    case "turn":
      return "";
  }
}

/** The kind is a rollout's, or what an operator asked of a rollout: `pause`. */
function refusedStory(detail: Detail<"Rollout Refused">): Story {
  const kind = rolloutKinds.find((one) => one === detail.kind);
  const what = kind ? kindWords[kind] : `${code(detail.kind, 60)} of a rollout`;
  return {
    icon: ":no_entry:",
    headline: `${what} was refused: nothing was changed`,
    lines: reasonLines(detail),
    context: [`requested by ${nameText(detail.requestedBy)}`, idOf(detail)],
  };
}

function completedStory(detail: Detail<"Rollout Completed">): Story {
  const { outcome, kind } = detail;
  const endings = {
    completed: [":checkered_flag:", "is done"],
    aborted: [":octagonal_sign:", "was aborted: what was rolled stays"],
    superseded: [":leftwards_arrow_with_hook:", supersededWords(detail.code)],
    failed: [":rotating_light:", "could NOT continue: somebody has to check it"],
  } as const;
  const { services, refused = 0 } = detail;
  const isRefused = outcome === "completed" && refused > 0 && refused === services;
  const [icon, words] = isRefused ? allRefused : endings[outcome];
  const reason = detail.code === undefined ? undefined : { code: detail.code, detail: detail.detail };
  const plain = detail.detail === "" ? [] : [quoted("", detail.detail)];
  return {
    icon,
    headline: `${kindWords[kind]} ${words}`,
    lines: [countsText(detail), ...(reason ? reasonLines(reason) : plain)],
    context: [`took ${durationText(detail.durationSeconds)}`, idOf(detail)],
  };
}

/** The icon and the words for a rollout that has come to its end and could change no service. */
export const allRefused = [":no_entry:", "has changed nothing: every service was refused"] as const;

/** What a superseded rollout is, by the code of its reason. */
export function supersededWords(reason: string | undefined): string {
  const isReplaced = reason !== "wish-contested" && reason !== "wish-withdrawn";
  return isReplaced ? "was superseded by a newer change" : "was stopped: what was rolled stays";
}

function rolledBackStory(detail: Detail<"Rollout Rolled Back">): Story {
  const { rolledBack, left, stuck, stuckServices } = detail;
  const names = stuckServices.slice(0, SHOWN_STUCK).map((arn) => code(serviceName(arn), 120));
  const more = stuck - names.length;
  return {
    icon: stuck > 0 ? ":rotating_light:" : ":rewind:",
    headline:
      stuck > 0
        ? `${kindWords[detail.kind]} was rolled back, but ${counted(stuck, "service")} could NOT be`
        : `${kindWords[detail.kind]} was rolled back`,
    lines: [
      `${rolledBack === 0 ? "No service had to be reverted" : `${counted(rolledBack, "service")} rolled back`}${left === 0 ? "" : `, ${left} left alone: somebody else deployed since`}.`,
      ...(stuck > 0 ? [`*Check:* ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`] : []),
      ...reasonLines(detail),
    ],
    context: [`took ${durationText(detail.durationSeconds)}`, idOf(detail)],
  };
}

function serviceName(arn: string): string {
  const ref = parseServiceArn(arn);
  return ref ? `${ref.account} ${ref.region} ${ref.clusterName}/${ref.serviceName}` : arn;
}

function countsText(counts: {
  services: number;
  succeeded: number;
  unverified?: number | undefined;
  failed: number;
  refused?: number | undefined;
  skipped: number;
}): string {
  const { services, succeeded, unverified = 0, failed, refused = 0, skipped } = counts;
  const also = [
    unverified > 0 ? `, ${unverified} unverified` : "",
    failed > 0 ? `, *${failed} failed*` : "",
    refused > 0 ? `, *${refused} refused*` : "",
    skipped > 0 ? `, ${skipped} skipped` : "",
  ].join("");
  return `${succeeded} of ${counted(services, "service")} succeeded${also}.`;
}

function idOf({ rolloutId }: { readonly rolloutId: string }): string {
  return `rollout ${code(rolloutId, 80)}`;
}
