import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { alarmName } from "../../stacks/definitions/deployment.ts";
import {
  type AlarmDefinition,
  deadLetterDefinition,
  homeAlarms,
} from "../../stacks/observability/alarm-definitions.ts";
import { enrolledFleet, enrolledFleetConfig } from "../autopilot/enrolled-fleet.ts";
import { type AlarmState, evaluate } from "../autopilot/evaluate-alarm.ts";
import { Lab } from "../autopilot/lab.ts";
import { labDeployment } from "../autopilot/roles.ts";
import { LabDriver } from "../story/lab-driver.ts";
import { FLEET_IMAGE_PARAMETER, type Incident } from "./incidents.ts";
import { LabMetrics } from "./lab-metrics.ts";

/** What an alarm did during an incident. Minutes count from its beginning, and from its end. */
export interface Rung {
  readonly alarm: string;
  readonly afterMinutes: number;
  /** Undefined when it has not ended by the end of the run. */
  readonly endedAfterMinutes: number | undefined;
  /** How often it went off. */
  readonly times: number;
}

export interface PlayedIncident {
  readonly incident: Incident;
  readonly rung: readonly Rung[];
}

const START_MS = Date.parse("2026-01-05T12:00:00Z");
const MINUTE_MS = 60_000;
/** Until all silence alarms have their periods. */
const QUIET_MINUTES = 120;
const DAY_MINUTES = 24 * 60;
/** In which every alarm has to end. */
const AFTER_MINUTES = 3 * 60;
const REGIONS = ["us-east-1", "eu-west-1", "us-west-2"] as const;

/**
 * Plays a day of an incident on a small fleet, in virtual time, and evaluates every alarm each minute, by what the
 * lab's functions have measured. CloudWatch's periods begin with the clock's, or wherever it looks: both are tried, and
 * an alarm that goes off in either has.
 */
export async function playIncident(incident: Incident): Promise<PlayedIncident> {
  const clock = new VirtualClock(START_MS);
  const fleet = enrolledFleetConfig([...REGIONS], {
    rollout: { canaryCount: 1, waves: [100], bakeMinutes: 0 },
    ...incident.policy,
  });
  const config = { ...fleet, ztunnel: { ...fleet.ztunnel, imageParameter: FLEET_IMAGE_PARAMETER } };
  const lab = new Lab({ clock, config, heartbeats: true });
  return clock.run(
    (async () => {
      await lab.prepare();
      const arns = await enrolledFleet(lab, { services: 6, servicesPerIdentity: 2 });
      const watch = new AlarmWatch(lab);
      await watch.minutes(QUIET_MINUTES);
      const fromMs = clock.now();
      const mend = await incident.begin({ driver: new LabDriver(lab), arns });
      await watch.minutes(incident.minutes ?? DAY_MINUTES);
      const toMs = clock.now();
      await mend();
      await watch.minutes(AFTER_MINUTES);
      return { incident, rung: watch.rung(fromMs, toMs) };
    })(),
  );
}

interface Change {
  readonly alarm: string;
  readonly atMs: number;
  readonly state: AlarmState;
}

interface Watched {
  readonly ending: string;
  readonly definition: AlarmDefinition;
  readonly byClock: boolean;
  state: AlarmState;
  readonly changes: Change[];
}

/** The alarms of a lab's deployment. */
class AlarmWatch {
  readonly #lab: Lab;
  readonly #measured: LabMetrics;
  readonly #watched: readonly Watched[];

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#measured = new LabMetrics(lab);
    const deployment = labDeployment(lab.config);
    const queue = deadLetterDefinition(alarmName(deployment, "failed-invocations"));
    this.#watched = [...homeAlarms(deployment), queue].flatMap((definition) =>
      [true, false].map((byClock) => ({
        ending: definition.name.slice(alarmName(deployment, "").length),
        definition,
        byClock,
        state: "INSUFFICIENT_DATA" as const,
        changes: [],
      })),
    );
  }

  async minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) {
      await this.#lab.clock.sleep(MINUTE_MS);
      this.#measured.read();
      for (const watched of this.#watched) this.#evaluate(watched);
    }
  }

  #evaluate(watched: Watched): void {
    const { definition, byClock, state: before, changes, ending } = watched;
    const step = byClock ? definition.periodSeconds * 1000 : MINUTE_MS;
    const nowMs = this.#lab.clock.now();
    const endMs = Math.floor(nowMs / step) * step;
    const fromMs = endMs - definition.periods * definition.periodSeconds * 1000;
    // A metric begins with its first value; before that, nothing is missing.
    if (fromMs < START_MS) return;
    watched.state = evaluate(definition, recent(this.#measured.pointsOf(definition), fromMs), { endMs, before });
    if (watched.state !== before) changes.push({ alarm: ending, atMs: nowMs, state: watched.state });
  }

  rung(fromMs: number, toMs: number): readonly Rung[] {
    const endings = [...new Set(this.#watched.map(({ ending }) => ending))];
    return endings.flatMap((alarm) => {
      const each = this.#watched.filter(({ ending }) => ending === alarm).map(({ changes }) => changes);
      const offs = each.map((changes) => changes.filter(({ state }) => state === "ALARM"));
      if (offs.every((off) => off.length === 0)) return [];
      const first = Math.min(...offs.flatMap((off) => off.map(({ atMs }) => atMs)));
      const ends = each.map((changes) => changes.at(-1)).filter((last) => last?.state !== "ALARM");
      const last = ends.length < each.length ? undefined : Math.max(...ends.map((one) => one?.atMs ?? 0));
      return {
        alarm,
        afterMinutes: Math.round((first - fromMs) / MINUTE_MS),
        endedAfterMinutes: last === undefined ? undefined : Math.round((last - toMs) / MINUTE_MS),
        times: Math.max(...offs.map((off) => off.length)),
      };
    });
  }
}

/** The points since then: they are in the order of time. */
function recent<T extends { readonly atMs: number }>(points: readonly T[], fromMs: number): readonly T[] {
  const before = points.findLastIndex(({ atMs }) => atMs < fromMs);
  return points.slice(before + 1);
}
