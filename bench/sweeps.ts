import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { enrolledFleet, enrolledFleetConfig } from "../lab/autopilot/enrolled-fleet.ts";
import { Lab } from "../lab/autopilot/lab.ts";
import type { Figures, FigureValue, Part } from "./report.ts";

/** The number of calls of sweeps over fleets at rest, in all and by API. */
export const sweeps: Part = {
  name: "sweeps",
  about: "calls of a sweep that finds nothing to do, in all and for each service",
  measure: async (progress) => {
    const measured: QuietSweep[] = [];
    for (const services of fleets) {
      progress(`${services} services`);
      measured.push(await quietSweep(services));
    }
    return [figuresOf(measured), callsOf(measured)];
  },
};

/** The mean calls of a sweep that finds nothing to do, by call (`ecs.ListClusters`). */
export interface QuietSweep {
  readonly services: number;
  readonly calls: ReadonlyMap<string, number>;
}

const fleets = [20, 200, 1000];
/**
 * Calls of a quiet sweep, by services, when it read nothing but services and secrets: no binding, no policy, no tags
 * of tasks.
 */
const callsBefore = new Map([
  [20, 10],
  [200, 29],
  [1000, 124],
]);
/** What reading the rest may cost: a tenth more, or in a small fleet these calls. */
const MOST_SHARE = 0.1;
const SMALL_FLEET = 50;
const MOST_IN_SMALL_FLEET = 4;

const START_MS = Date.parse("2026-01-05T12:00:00Z");
const INTERVAL_MINUTES = 15;
/** The first sweeps record what they find. */
const SWEEPS = 14;
/** As many as it takes to look at every task of the largest fleet. */
const MEASURED = 8;
const columns: readonly string[] = ["ecs", "secretsmanager", "ledger", "kubernetes"];

/** The most calls of a quiet sweep over a fleet of this size; undefined for one that has no bound. */
export function mostCalls(services: number): number | undefined {
  const before = callsBefore.get(services);
  if (before === undefined) return undefined;
  return before + (services <= SMALL_FLEET ? MOST_IN_SMALL_FLEET : MOST_SHARE * before);
}

/** All its calls. */
export function sumOf({ calls }: QuietSweep): number {
  return [...calls.values()].reduce((sum, count) => sum + count, 0);
}

function figuresOf(measured: readonly QuietSweep[]): Figures {
  const broken = measured.flatMap((one) => {
    const most = mostCalls(one.services) ?? Number.POSITIVE_INFINITY;
    return sumOf(one) > most ? [`${one.services} services: ${sumOf(one)} calls a sweep, the bound is ${most}`] : [];
  });
  return {
    title: "Sweeps: calls of one that finds nothing to do",
    columns: ["services", "calls", "bound", "a service", ...columns, "other"],
    rows: measured.map(rowOf),
    notes: [
      "One region, 500 services a cluster, ten services an identity, two tasks a service.",
      `The mean of the last ${MEASURED} of ${SWEEPS} sweeps in a row, by one warm function.`,
      "Bound: a tenth more than when sweeps read services and secrets alone; four calls more in a small fleet.",
    ],
    broken,
  };
}

function rowOf(one: QuietSweep): readonly FigureValue[] {
  const total = sumOf(one);
  const of = (api: string) =>
    [...one.calls].reduce((sum, [call, count]) => (call.startsWith(`${api}.`) ? sum + count : sum), 0);
  const known = columns.map(of);
  const other = total - known.reduce((sum, count) => sum + count, 0);
  return [one.services, total, mostCalls(one.services), total / one.services, ...known, other];
}

function callsOf(measured: readonly QuietSweep[]): Figures {
  const names = [...new Set(measured.flatMap(({ calls }) => [...calls.keys()]))].sort();
  return {
    title: "Sweeps: the same by call",
    columns: ["call", ...measured.map(({ services }) => `${services} services`)],
    rows: names.map((name) => [name, ...measured.map(({ calls }) => calls.get(name) ?? 0)]),
  };
}

/** Sweeps a fleet of this many services that is at rest, on a lab. */
export async function quietSweep(services: number): Promise<QuietSweep> {
  const clock = new VirtualClock(START_MS, { quietTurns: 0, busyTurns: 0 });
  const counts = new Map<string, number>();
  const lab = new Lab({
    clock,
    config: enrolledFleetConfig(["us-east-1"]),
    schedules: false,
    keepRecords: false,
    directCalls: true,
    onFunctionCall: (call) => counts.set(call, (counts.get(call) ?? 0) + 1),
  });
  const run = async () => {
    await lab.prepare();
    await enrolledFleet(lab, { services, desiredCount: 2 });
    for (let nth = 0; nth < SWEEPS; nth += 1) {
      if (nth === SWEEPS - MEASURED) counts.clear();
      await lab.lambda.invoke("sweep-services", {});
      await clock.sleep(INTERVAL_MINUTES * 60_000);
    }
  };
  await clock.run(run());
  return { services, calls: new Map([...counts].map(([call, count]) => [call, count / MEASURED])) };
}
