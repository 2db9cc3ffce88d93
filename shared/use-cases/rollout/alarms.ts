import { type Place, serviceRef } from "../../base/arn.ts";
import type { Config } from "../../config/config.ts";
import type { RolloutService } from "../../model/rollout.ts";
import type { AlarmCalls, Log } from "../../ports/ports.ts";

export interface GuardCalls {
  readonly config: Config;
  readonly alarms: (place: Place) => AlarmCalls;
  readonly log: Pick<Log, "warn">;
}

/**
 * The first alarm in ALARM, in words, among those that the policy and the tags of the given services name. An alarm
 * that CloudWatch does not know stops nothing; it is logged.
 */
export async function firedAlarm(
  services: Iterable<Pick<RolloutService, "serviceArn" | "alarms">>,
  { config, alarms, log }: GuardCalls,
): Promise<string | undefined> {
  const byPlace = new Map<string, { readonly place: Place; readonly names: Set<string> }>();
  const guard = (place: Place, name: string) => {
    const key = `${place.account}/${place.region}`;
    const known = byPlace.get(key) ?? { place, names: new Set() };
    byPlace.set(key, known);
    known.names.add(name);
  };
  for (const { name, account, region } of config.policy.rollout.alarms) {
    guard({ account: account ?? config.homeAccount, region: region ?? config.homeRegion }, name);
  }
  for (const { serviceArn, alarms: named = [] } of services) {
    if (named.length === 0) continue;
    const ref = serviceRef(serviceArn);
    for (const name of named) guard(ref, name);
  }
  for (const { place, names } of byPlace.values()) {
    const described = await alarms(place).describeAlarms([...names]);
    const fired = described.find(({ state }) => state === "ALARM");
    if (fired) return `${fired.name} in ${place.account}/${place.region}: ${fired.reason}`;
    const unknown = [...names].filter((name) => !described.some((one) => one.name === name));
    if (unknown.length > 0) log.warn("alarms that CloudWatch does not know", { ...place, names: unknown.join(", ") });
  }
  return undefined;
}
