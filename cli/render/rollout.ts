import { failureFixes, failureText } from "../../shared/base/failure-fixes.ts";
import { endedStatuses, failedStatuses, type Rollout, type Scope } from "../../shared/model/rollout.ts";
import type { WaveProgress } from "../../shared/rollout/progress.ts";
import type { RolloutView, RootGate } from "../rollouts/view.ts";
import { detailed } from "../runtime/exit-codes.ts";
import { printable, type Style, type Styler } from "./style.ts";
import { minuteOf, span } from "./time.ts";

const BAR = 24;
const SHOWN_FAILURES = 10;
const NOTHING_TO_DO = failureFixes["operator-request"];

/** What a part of a wave's bar stands for, in the order in which parts are drawn. */
const parts = [
  { of: "succeeded", sign: "█", style: "green" },
  { of: "unverified", sign: "□", style: "yellow" },
  { of: "skipped", sign: "▪", style: "dim" },
  { of: "failed", sign: "✗", style: "red" },
  { of: "stuck", sign: "!", style: "red" },
  { of: "rolledBack", sign: "◂", style: "yellow" },
  { of: "rolling", sign: "▒", style: "cyan" },
  { of: "waiting", sign: "·", style: "dim" },
] as const satisfies readonly { readonly of: keyof WaveProgress; readonly sign: string; readonly style: Style }[];

/** The legend of the bars. */
export const legend = "█ done  □ unverified  ▪ skipped  ✗ failed  ! stuck  ◂ rolled back  ▒ rolling  · waiting";

/** How many of `width` cells each count gets: in proportion, at least one where there is any, `width` in all. */
export function cells(counts: readonly number[], width: number): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return counts.map(() => 0);
  const shares = counts.map((count) => (count === 0 ? 0 : Math.max(1, Math.round((count * width) / total))));
  let over = shares.reduce((sum, share) => sum + share, 0) - width;
  while (over !== 0) {
    const largest = shares.indexOf(Math.max(...shares));
    shares[largest] = (shares[largest] ?? 0) - Math.sign(over);
    over -= Math.sign(over);
  }
  return shares;
}

/** A wave as a bar of `width` signs. */
export function bar(wave: WaveProgress, style: Styler, width = BAR): string {
  const counts = parts.map(({ of }) => wave[of]);
  const widths = cells(counts, width);
  const drawn = parts.map(({ sign, style: name }, at) => {
    const part = sign.repeat(widths[at] ?? 0);
    return part === "" ? "" : style(part, name);
  });
  return wave.size === 0 ? style("·".repeat(width), "dim") : drawn.join("");
}

/**
 * The whole rollout as lines: what it is, its waves, its numbers, what holds it, what went wrong. Where a screen has
 * fewer rows than that, the waves around the current one are shown.
 */
export function rolloutLines(view: RolloutView, style: Styler, rows = Number.POSITIVE_INFINITY): readonly string[] {
  const head = headLines(view, style);
  const waves = waveLines(view, style);
  const rest = [
    `  ${totals(view)}`,
    ...holdLines(view).map((line) => `  ${style(line, "yellow")}`),
    ...gateLines(view).map((line) => `  ${line}`),
    ...failureLines(view, style),
  ];
  const room = Math.max(1, rows - head.length - rest.length - 5);
  const shown = around(waves, view.rollout.nextWaveIndex, room);
  const others = waves.length - shown.length;
  return [
    ...head,
    "",
    ...shown,
    ...(others > 0 ? [style(`  … and ${others} more waves`, "dim")] : []),
    ...(waves.length > 0 ? [style(`  ${legend}`, "dim"), ""] : []),
    ...rest,
  ];
}

/** At most `most` lines: the one at `index` and its neighbors. */
function around(lines: readonly string[], index: number, most: number): readonly string[] {
  const from = Math.max(0, Math.min(index - Math.floor(most / 2), lines.length - most));
  return lines.slice(from, from + most);
}

function headLines({ rollout, progress }: RolloutView, style: Styler): readonly string[] {
  const { id, kind, status, target, overrides } = rollout;
  const goesOn = progress.waves.length > 0 && !endedStatuses.includes(status);
  const at = goesOn ? `, wave ${currentWave(rollout)} of ${progress.waves.length}` : "";
  const overridden = Object.entries(overrides).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const facts = [
    ["why", rollout.why],
    ["asked by", `${rollout.requestedBy}, ${minuteOf(rollout.requestedAt)} UTC`],
    ["scope", scopeWords(rollout.scope)],
    ["brings", target.image ?? ""],
    ["overrides", overridden.join(", ")],
    ["emergency", rollout.emergency ? "yes: the emergency policy's pace" : ""],
    ["took", durationOf(rollout)],
  ].filter(([, value]) => value);
  return [
    `${style(id, "bold")}  ${kind}  ${style(status, statusStyle(status))}${at}`,
    ...facts.map(([name = "", value = ""]) => `  ${style(name.padEnd(9), "dim")}  ${printable(value)}`),
  ];
}

/** The number of the wave that is next or under way, from 1. */
export function currentWave({ nextWaveIndex: wave, waves }: Rollout): number {
  return Math.min(wave + 1, waves.length);
}

/** How long it took, or nothing before it has ended. */
export function durationOf({ startedAt, finishedAt }: Rollout): string {
  return startedAt && finishedAt ? span((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000) : "";
}

/** The style in which a status is shown. */
export function statusStyle(status: Rollout["status"]): Style {
  switch (status) {
    case "completed":
      return "green";
    case "failed":
    case "rolled-back":
    case "rolling-back":
    case "refused":
      return "red";
    case "running":
      return "cyan";
    default:
      return "yellow";
  }
}

/** A scope in words: `everything`, or what it is limited to. */
export function scopeWords(scope: Scope): string {
  const limits = [
    scope.controlPlane && `control plane ${scope.controlPlane}`,
    scope.accounts && `accounts ${scope.accounts.join(", ")}`,
    scope.regions && `regions ${scope.regions.join(", ")}`,
    scope.clusters && `clusters ${scope.clusters.join(", ")}`,
    scope.services && `services ${scope.services.join(", ")}`,
  ].filter(Boolean);
  return limits.length === 0 ? "everything" : limits.join("; ");
}

function waveLines({ progress }: RolloutView, style: Styler): readonly string[] {
  const { waves } = progress;
  if (waves.length === 0) return [];
  const width = Math.max(...waves.map(({ name }) => name.length));
  return waves.map((wave, at) => {
    const number = String(at + 1).padStart(String(waves.length).length);
    return `  ${number}  ${printable(wave.name).padEnd(width)}  ${bar(wave, style)}  ${waveWords(wave)}`;
  });
}

function waveWords(wave: WaveProgress): string {
  const done = wave.size - wave.waiting - wave.rolling;
  const notes = [
    wave.failed > 0 && `${wave.failed} failed`,
    wave.unverified > 0 && `${wave.unverified} unverified`,
    wave.skipped > 0 && `${wave.skipped} skipped`,
    wave.stuck > 0 && `${wave.stuck} stuck`,
    wave.rolledBack > 0 && `${wave.rolledBack} rolled back`,
    wave.rolling > 0 && `${wave.rolling} rolling`,
    wave.state === "baking" && "baking",
    wave.state === "rolling-back" && "being rolled back",
  ].filter(Boolean);
  return [`${done} of ${wave.size}`, ...notes].join(", ");
}

/** All services in numbers, and how long it may still take. */
export function totals({ progress, etaSeconds }: RolloutView): string {
  if (progress.waves.length === 0) return "No waves yet.";
  const sum = (of: (typeof parts)[number]["of"]) => progress.waves.reduce((all, wave) => all + wave[of], 0);
  const notes = [
    `${sum("succeeded")} done`,
    `${sum("failed")} failed`,
    sum("unverified") > 0 && `${sum("unverified")} unverified`,
    sum("skipped") > 0 && `${sum("skipped")} skipped`,
    sum("rolledBack") > 0 && `${sum("rolledBack")} rolled back`,
    sum("stuck") > 0 && `${sum("stuck")} stuck`,
    sum("rolling") > 0 && `${sum("rolling")} rolling`,
    sum("waiting") > 0 && `${sum("waiting")} waiting`,
  ].filter(Boolean);
  const eta = etaSeconds === undefined ? "" : ` About ${span(etaSeconds)} left.`;
  return `${count(progress.total, "service")}: ${notes.join(", ")}.${eta}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** What an operator asked for shows in these already. */
const acted: readonly Rollout["status"][] = ["paused", "rolling-back"];

/** Why nothing goes on, and what makes it go on. */
export function holdLines({ rollout, behind }: RolloutView): readonly string[] {
  const { id, status, control, holdUntilMs } = rollout;
  const command = (action: string) => `npm run autopilot -- rollout ${action} ${id}`;
  const held: Partial<Record<Rollout["status"], string>> = {
    paused: `Paused. It goes on with: ${command("resume")}`,
    "awaiting-approval": `The canary wave is done and waits for approval: ${command("approve")}`,
    frozen: `A freeze window is open${
      holdUntilMs === undefined ? "" : ` until ${minuteOf(new Date(holdUntilMs).toISOString())} UTC`
    }.`,
    waiting: behind === undefined ? "Waits to begin." : `Waits behind ${behind}.`,
  };
  const isBack = control?.action === "rollback" && status !== "rolling-back";
  const line = isBack && behind !== undefined ? `Is rolled back after ${behind}, which is under way.` : held[status];
  const pending = control && (endedStatuses.includes(status) ? control.action === "rollback" : !acted.includes(status));
  const asked = pending
    ? `${control.by} asked for: ${control.action}. It takes effect at the next boundary.`
    : undefined;
  return [line, asked].filter((one) => one !== undefined).map(printable);
}

function gateLines({ gates }: RolloutView): readonly string[] {
  return gates.map((gate) => printable(`Root CA of ${gate.controlPlane}: ${gateWords(gate)}`));
}

/** The stage of a rotation, and what is to be done next. */
function gateWords({ retiring, retirable, stage, until }: RootGate): string {
  const old = `the old root (${retiring.map((one) => one.replaceAll(":", "").slice(0, 8).toLowerCase()).join(", ")})`;
  if (retirable) return `no running task needs ${old} any more: the bundle may drop it.`;
  switch (stage) {
    case "sign-with-new":
      return `all tasks trust both roots. Now have istiod sign with the new one, and keep ${old} in the bundle.`;
    case "unknown":
      return `all tasks trust both roots, and it can't be seen which one signs: keep ${old} in the bundle.`;
    case "running-out":
      return `istiod signs with the new root. Keep ${old} in the bundle until ${until === undefined ? "that is said" : minuteOf(until)}.`;
    default:
      return `running tasks may still need ${old}: keep it in the bundle.`;
  }
}

/** Why it ended or is rolled back, and the services that failed. */
function failureLines({ rollout, services }: RolloutView, style: Styler): readonly string[] {
  const bad = services.filter(({ status }) => failedStatuses.includes(status) || status === "stuck");
  const lines = bad.slice(0, SHOWN_FAILURES).map(({ serviceArn, status, reason = "", detail = "" }) => {
    const why = [reason, detail].filter(Boolean).join(": ");
    return `  ${style(status, "red")}  ${printable(serviceArn)}${why ? `\n    ${printable(why)}` : ""}`;
  });
  const more = bad.length - SHOWN_FAILURES;
  return [
    ...rolloutReasonLines(rollout).map((line) => `  ${line}`),
    ...(lines.length > 0 ? ["", ...lines] : []),
    ...(more > 0 ? [`  … and ${more} more: --services lists all.`] : []),
  ];
}

/** The rollout's reason with the sentence and the fix of its code. */
export function rolloutReasonLines({ reason }: Rollout): readonly string[] {
  if (!reason) return [];
  const known = failureText(reason.code);
  if (!known) return [printable(`${reason.code}: ${reason.detail}`)];
  const fix = known.fix === NOTHING_TO_DO ? [] : [`Fix: ${known.fix}`];
  return [printable(detailed(known.sentence, reason.detail)), ...fix];
}

/** One line for an output that can't be redrawn: the current wave and the numbers. */
export function progressLine(view: RolloutView): string {
  const { rollout, progress } = view;
  const wave = progress.waves.find(({ state }) => state !== "waiting" && state !== "done" && state !== "rolled-back");
  const at = wave ? `, ${printable(wave.name)}: ${waveWords(wave)}` : "";
  const hold = holdLines(view).map((line) => ` ${line}`);
  return `${rollout.id} ${rollout.status}${at}. ${totals(view)}${hold.join("")}`;
}
