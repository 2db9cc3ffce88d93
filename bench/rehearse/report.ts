import { MAX_HISTORY_EVENTS, MAX_PAYLOAD_BYTES } from "@ztunnel-autopilot/simulator";
import { alignedTable } from "../../lab/story/summary.ts";
import { clockTime, GOAL_RATIO, type RolloutFigures } from "./rehearsal.ts";

/** The rehearsal's own cost, including the processes that it started. */
export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** The peak memory of all processes together. */
  readonly peakMemoryMiB: number;
}

/** The figures as text. */
export function rehearsalText(all: readonly RolloutFigures[], cost: Cost): string {
  const { wallSeconds, cpuSeconds, peakMemoryMiB } = cost;
  const took = `Took ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU time and ${number(peakMemoryMiB)} MiB.`;
  return [...all.map(one), took].join("\n\n");
}

function one(figures: RolloutFigures): string {
  const { change, policy, services, regions, bound, computed, problems } = figures;
  const computedRow = computed
    ? [[`computed for ${number(computed.services)} services`, `${clockTime(computed.makespanSeconds)} (not simulated)`]]
    : [];
  const rows = [
    ["rollout", `${figures.rolloutId}: ${figures.status}${figures.reason ? `, ${figures.reason}` : ""}`],
    ["services", counts(figures.statuses)],
    ...(Object.keys(figures.failures).length > 0 ? [["reasons", counts(figures.failures)]] : []),
    ["waves", number(figures.waves)],
    ["makespan", `${clockTime(figures.makespanSeconds)} (${number(figures.makespanSeconds)} s)`],
    ...computedRow,
    [
      "quota bound",
      `${number(bound.seconds)} s: register ${number(bound.registerSeconds)} s, deploy ${number(bound.deploymentSeconds)} s`,
    ],
    ["ratio", `${figures.ratio.toFixed(3)}${policy === "unlimited" ? ` (goal: at most ${GOAL_RATIO})` : ""}`],
    ["calls per service", perService(figures.callsPerService)],
    ["throttled calls", number(figures.throttledCalls)],
    ["transitions per service", number(figures.transitionsPerService)],
    ["peak state size", `${number(figures.peakStateBytes)} bytes (limit: ${number(MAX_PAYLOAD_BYTES)})`],
    ["longest history", `${number(figures.historyEvents)} events (limit: ${number(MAX_HISTORY_EVENTS)})`],
    ["continued as new", number(figures.continuedAsNew)],
    ["dead letters", number(figures.deadLetters.length)],
    ["verdict", problems.length === 0 ? "passed" : problems.join("; ")],
  ];
  const title = `${change} of ${number(services)} services in ${regions} ${regions === 1 ? "region" : "regions"}, ${policy} policy`;
  return `${title}\n${alignedTable([["figure", "value"], ...rows])}`;
}

function perService(calls: RolloutFigures["callsPerService"]): string {
  const total = Object.values(calls).reduce((sum, count) => sum + count, 0);
  const parts = Object.entries(calls).filter(([, count]) => count >= 0.005);
  return `${number(total)}: ${parts.map(([api, count]) => `${api} ${number(count)}`).join(", ")}`;
}

function counts(byName: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(byName).map(([name, count = 0]) => `${number(count)} ${name}`);
  return parts.join(", ") || "none";
}

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
