import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { enrolledFleet, enrolledFleetConfig } from "../lab/autopilot/enrolled-fleet.ts";
import { Lab } from "../lab/autopilot/lab.ts";
import type { Figures, FigureValue, Part } from "./report.ts";

/** The number of calls of sweeps over fleets at rest. */
export const sweeps: Part = {
  name: "sweeps",
  about: "calls of a sweep that finds nothing to do, in all and for each service",
  measure: async (progress) => {
    const rows: (readonly FigureValue[])[] = [];
    for (const services of SERVICES) {
      progress(`${services} services`);
      rows.push(await quietSweep(services));
    }
    return [figuresOf(rows)];
  },
};

const SERVICES = [20, 200, 1000];
const START_MS = Date.parse("2026-01-05T12:00:00Z");
const INTERVAL_MINUTES = 15;
/** The first sweeps record what they find. */
const SWEEPS = 14;
/** As many as it takes to look at every task of the largest fleet. */
const MEASURED = 8;
const columns: readonly string[] = ["ecs", "secretsmanager", "ledger", "kubernetes"];

function figuresOf(rows: readonly (readonly FigureValue[])[]): Figures {
  return {
    title: "Sweeps: calls of one that finds nothing to do",
    columns: ["services", "calls", "a service", ...columns, "other"],
    rows,
    notes: [
      "One region, 500 services a cluster, ten services an identity, two tasks a service.",
      `The mean of the last ${MEASURED} of ${SWEEPS} sweeps in a row, by one warm function.`,
    ],
  };
}

async function quietSweep(services: number): Promise<readonly FigureValue[]> {
  const clock = new VirtualClock(START_MS, { quietTurns: 0, busyTurns: 0 });
  const counts = new Map<string, number>();
  const lab = new Lab({
    clock,
    config: enrolledFleetConfig(["us-east-1"]),
    schedules: false,
    keepRecords: false,
    directCalls: true,
    onFunctionCall: (call) => {
      const api = call.split(".")[0] ?? call;
      counts.set(api, (counts.get(api) ?? 0) + 1);
    },
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
  const mean = (count: number) => count / MEASURED;
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const known = columns.map((api) => mean(counts.get(api) ?? 0));
  const other = mean(sum) - known.reduce((total, count) => total + count, 0);
  return [services, mean(sum), mean(sum) / services, ...known, other];
}
