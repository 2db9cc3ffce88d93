import { counted } from "../base/plural.ts";
import { endedStatuses, failedStatuses, heldStatuses, type Rollout, type RolloutStatus } from "../model/rollout.ts";
import { bringsFacts } from "../rollout/kinds.ts";
import type { Progress } from "../rollout/progress.ts";
import { isRollingBack } from "../rollout/stopping.ts";
import { durationText, layOut, quoted, type SlackMessage, type StoryLine, timeText } from "./layout.ts";
import { code, nameText } from "./mrkdwn.ts";
import { allRefused, commandFor, kindWords, reasonLines, supersededWords } from "./rollout-stories.ts";

interface Given {
  readonly leftMs?: number | undefined;
  readonly stage?: string;
  readonly ahead?: Pick<Rollout, "kind" | "target"> | undefined;
}

const BAR_CELLS = 20;
/** A coarser time changes less often, and with it the message. */
const ETA_STEP_MS = 5 * 60_000;

/**
 * The one message of a rollout, which is updated in place: its target and status, progress and wave, the counts, why it
 * is paused, rolled back or failed with what to do about it, and who requested it. `leftMs` is how long it will still
 * take, in milliseconds, if that is known; `ahead` is the rollout that has its turn.
 */
export function rolloutMessage(
  rollout: Rollout,
  progress: Progress,
  nowMs: number,
  { leftMs, stage, ahead }: Given = {},
): SlackMessage {
  const [icon, usual] = ahead
    ? (waitingOf(rollout, ahead) ?? standingOf(rollout, progress))
    : standingOf(rollout, progress);
  const words = rollout.status === "superseded" ? supersededWords(rollout.reason?.code) : usual;
  const stuck = progress.counts.stuck;
  const loud = stuck > 0 ? `, ${counted(stuck, "service")} could NOT be rolled back` : "";
  return layOut(
    {
      icon: stuck > 0 ? ":rotating_light:" : icon,
      headline: `${titleOf(rollout)} ${words}${loud}`,
      lines: [
        [barText(progress), waveText(rollout, progress), etaText(nowMs, leftMs)].filter(Boolean).join("  ·  "),
        countsText(rollout, progress),
        ...(stuck > 0 ? [`*Check them:* ${commandFor("status", rollout.id)}`] : []),
        ...statusLines(rollout),
        ...requestLines(rollout),
      ],
      context: contextOf(rollout),
    },
    stage,
  );
}

/** Empty where a full bar would stand beside no service that was done, as after a rollback. */
function barText({ done, counts }: Progress): string {
  return done >= 1 && counts.succeeded + counts.unverified === 0 ? "" : progressBar(done);
}

/** A bar of 20 cells and the percentage, rounded down: it is full only when nothing is left. */
export function progressBar(done: number): string {
  const share = Math.min(1, Math.max(0, done));
  const full = Math.floor(share * BAR_CELLS + 1e-9);
  return `\`${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)}\` ${Math.floor(share * 100 + 1e-9)}%`;
}

/** How one that goes on, forward or back, waits for the one that has its turn. */
function waitingOf(rollout: Rollout, ahead: Pick<Rollout, "kind" | "target">): readonly [string, string] | undefined {
  if (isRollingBack(rollout)) return [":hourglass:", `is rolled back after this: ${titleOf(ahead)}`];
  return rollout.status === "running" ? [":hourglass:", `goes on after this: ${titleOf(ahead)}`] : undefined;
}

function standingOf({ status }: Rollout, { counts, total }: Progress): readonly [string, string] {
  if (status === "completed" && counts.refused > 0 && counts.refused === total) return allRefused;
  const { icon, words } = standings[status];
  return [icon, words];
}

const standings: Readonly<Record<RolloutStatus, { readonly icon: string; readonly words: string }>> = {
  waiting: { icon: ":hourglass:", words: "waits for the rollout ahead of it" },
  running: { icon: ":arrows_counterclockwise:", words: "is in progress" },
  paused: { icon: ":double_vertical_bar:", words: "is paused" },
  "awaiting-approval": { icon: ":raised_hand:", words: "waits for approval" },
  frozen: { icon: ":snowflake:", words: "waits for the end of a freeze window" },
  "rolling-back": { icon: ":rewind:", words: "is being rolled back" },
  completed: { icon: ":white_check_mark:", words: "is done" },
  "rolled-back": { icon: ":rewind:", words: "was rolled back" },
  aborted: { icon: ":octagonal_sign:", words: "was aborted: what was rolled stays" },
  superseded: { icon: ":leftwards_arrow_with_hook:", words: "was superseded by a newer change" },
  refused: { icon: ":no_entry:", words: "was refused: nothing was changed" },
  failed: { icon: ":rotating_light:", words: "could NOT continue: somebody has to check it" },
};

function titleOf({ kind, target }: Pick<Rollout, "kind" | "target">): string {
  const of = target.controlPlane === undefined ? "" : ` of ${nameText(target.controlPlane, 100)}`;
  const to = target.image === undefined ? "" : ` to ${code(target.image, 300)}`;
  return `${kindWords[kind]}${bringsFacts(kind) ? of : ""}${kind === "upgrade" ? to : ""}`;
}

function waveText({ status, nextWaveIndex: wave, waves }: Rollout, progress: Progress): string {
  if (endedStatuses.includes(status)) return waves.length === 0 ? "" : counted(waves.length, "wave");
  const back = waves.findIndex(({ state }) => state === "rolling-back");
  const index = status === "rolling-back" && back >= 0 ? back : wave;
  const current = waves[index];
  if (!current) return "";
  const does = waveWords[progress.waves[index]?.state ?? current.state];
  return `wave ${index + 1} of ${waves.length}: ${nameText(current.name, 100)}${does}`;
}

const waveWords = {
  waiting: "",
  rolling: "",
  baking: ", baking",
  done: "",
  "rolling-back": ", rolling back",
  "rolled-back": "",
} as const;

function etaText(nowMs: number, leftMs: number | undefined): string {
  if (leftMs === undefined) return "";
  return `done at about ${timeText(Math.ceil((nowMs + leftMs) / ETA_STEP_MS) * ETA_STEP_MS)}`;
}

function countsText({ kind, status }: Rollout, { counts, total }: Progress): string {
  const failed = failedStatuses.reduce((sum, one) => sum + counts[one], 0);
  const skipped = counts.skipped + counts.superseded + counts.left;
  const open = counts.waiting + counts.rolling + counts["rolling-back"];
  const isRollingBack = status === "rolling-back";
  const parts = [
    isRollingBack
      ? `${counts.succeeded + counts.unverified + counts.rolling + counts["rolling-back"]} to roll back`
      : `${counts.succeeded} ${kind === "unenroll" ? "out of the mesh" : "done"}`,
    failed > 0 && `*${failed} failed*`,
    !isRollingBack && counts.unverified > 0 && `${counts.unverified} unverified`,
    counts.refused > 0 && `*${counts.refused} refused*`,
    skipped > 0 && `${skipped} skipped`,
    counts["rolled-back"] > 0 && `${counts["rolled-back"]} rolled back`,
    counts.stuck > 0 && `*${counts.stuck} stuck*`,
    endedStatuses.includes(status) || isRollingBack
      ? counts.waiting > 0 && `${counts.waiting} not started`
      : open > 0 && `${open} to go`,
  ];
  return `${counted(total, "service")}: ${parts.filter(Boolean).join(", ")}`;
}

/** Why the rollout is paused and how to resume it, or why it ended or is rolled back and what to do about it. */
function statusLines(rollout: Rollout): StoryLine[] {
  const { id, status, reason, holdUntilMs, control } = rollout;
  // It is on hold no more: nobody has to resume or approve it.
  if (heldStatuses.includes(status) && isRollingBack(rollout)) return reason === undefined ? [] : reasonLines(reason);
  switch (status) {
    case "paused":
      return [`*Paused* by ${nameText(pausedBy(rollout))}. Resume with ${commandFor("resume", id)}.`];
    case "awaiting-approval":
      return [`*The canary wave is done.* Approve the rest with ${commandFor("approve", id)}.`];
    case "frozen":
      return [
        `*Frozen*${holdUntilMs === undefined ? "" : ` until ${timeText(holdUntilMs)}`}. It resumes by itself then.`,
      ];
    case "waiting":
    case "running":
      return control === undefined ? [] : [requested[control.action](nameText(control.by))];
    default:
      return reason === undefined ? [] : reasonLines(reason);
  }
}

const requested = {
  pause: (by: string) => `*Pause* requested by ${by}: before the next wave.`,
  abort: (by: string) => `*Abort* requested by ${by}: after the rolls in progress.`,
  rollback: (by: string) => `*Rollback* requested by ${by}: after the rolls in progress.`,
} as const;

function pausedBy({ control, journal }: Rollout): string {
  if (control?.action === "pause") return control.by;
  return journal.findLast(({ did }) => did === "pause")?.by ?? "an operator";
}

function requestLines({ why, requestedBy }: Rollout): StoryLine[] {
  const by = `Requested by ${nameText(requestedBy)}`;
  return [why === "" ? by : quoted(`${by}:`, why)];
}

function contextOf(rollout: Rollout): string[] {
  const { id, status, startedAt, requestedAt, emergency, overrides, approved } = rollout;
  const startTime = startedAt ?? requestedAt;
  // A rollout that is rolled back after its end keeps the time of that end until it has ended again.
  const finishedAt = endedStatuses.includes(status) ? rollout.finishedAt : undefined;
  return [
    `rollout ${code(id, 80)}`,
    `${startedAt === undefined ? "requested" : "started"} ${timeText(startTime)}`,
    ...(approved ? [`approved by ${nameText(approved.by)}`] : []),
    ...(emergency ? ["emergency"] : []),
    ...(overrides.ignoreFreeze === true ? ["freeze windows overridden"] : []),
    ...(finishedAt === undefined
      ? []
      : [
          `ended ${timeText(finishedAt)}, took ${durationText((Date.parse(finishedAt) - Date.parse(startTime)) / 1000)}`,
        ]),
  ];
}
