import { type Place, serviceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { isAlarmName } from "../../enrollment/tag-values.ts";
import type { AlarmCalls, DescribedAlarm, Log } from "../../ports/ports.ts";

export interface GuardCalls {
  readonly config: Config;
  readonly alarms: (place: Place) => AlarmCalls;
  readonly log: Pick<Log, "warn">;
}

/**
 * The first alarm in ALARM, in words, among those that the policy names. An alarm that CloudWatch does not know stops
 * nothing; it is logged.
 */
export async function firedAlarm({ config, alarms, log }: GuardCalls): Promise<string | undefined> {
  const named = new Named<true>();
  for (const { name, account, region } of config.policy.rollout.alarms) {
    named.add({ account: account ?? config.homeAccount, region: region ?? config.homeRegion }, name, true);
  }
  for (const { place, names } of named.places()) {
    const described = await alarms(place).describeAlarms([...names.keys()]);
    const fired = described.find(isFiring);
    if (fired) return sentenceOf(fired, place);
    logUnknown(place, names.keys(), described, log);
  }
  return undefined;
}

/**
 * The services whose own tags name an alarm that is in ALARM or can't be read, each with the reason in words. It guards
 * that service alone: who may tag one service does not decide for the others. Throws a retryable error.
 */
export async function alarmedServices(
  services: Iterable<{ readonly serviceArn: string; readonly alarms?: readonly string[] | undefined }>,
  { alarms, log }: Pick<GuardCalls, "alarms" | "log">,
): Promise<ReadonlyMap<string, string>> {
  const named = new Named<string>();
  for (const { serviceArn, alarms: own = [] } of services) {
    for (const name of own) named.add(serviceRef(serviceArn), name, serviceArn);
  }
  const alarmed = new Map<string, string>();
  for (const { place, names } of named.places()) {
    const note = (name: string, why: string) => {
      for (const serviceArn of names.get(name) ?? []) if (!alarmed.has(serviceArn)) alarmed.set(serviceArn, why);
    };
    const readable = [...names.keys()].filter(isAlarmName);
    for (const name of names.keys())
      if (!isAlarmName(name)) note(name, `${name.slice(0, 40)}… is too long for the name of an alarm.`);
    try {
      const described = await alarms(place).describeAlarms(readable);
      for (const fired of described.filter(isFiring)) note(fired.name, sentenceOf(fired, place));
      logUnknown(place, readable, described, log);
    } catch (error) {
      const { message, retryable } = asAutopilotError(error);
      // A busy CloudWatch says nothing of a service: the step is tried again.
      if (retryable) throw error;
      for (const name of readable) note(name, `${name} in ${place.account}/${place.region} can't be read: ${message}`);
    }
  }
  return alarmed;
}

/** Names of alarms by the account and region in which they are read, each with whom it guards. */
class Named<T> {
  readonly #byPlace = new Map<string, { readonly place: Place; readonly names: Map<string, T[]> }>();

  add({ account, region }: Place, name: string, guarded: T): void {
    const key = `${account}/${region}`;
    const known = this.#byPlace.get(key) ?? { place: { account, region }, names: new Map<string, T[]>() };
    this.#byPlace.set(key, known);
    known.names.set(name, [...(known.names.get(name) ?? []), guarded]);
  }

  places() {
    return this.#byPlace.values();
  }
}

function isFiring({ state }: DescribedAlarm): boolean {
  return state === "ALARM";
}

function sentenceOf({ name, reason }: DescribedAlarm, { account, region }: Place): string {
  return `${name} in ${account}/${region}: ${reason}`;
}

function logUnknown(
  place: Place,
  names: Iterable<string>,
  described: readonly DescribedAlarm[],
  log: GuardCalls["log"],
): void {
  const unknown = [...names].filter((name) => !described.some((one) => one.name === name));
  if (unknown.length > 0) log.warn("alarms that CloudWatch does not know", { ...place, names: unknown.join(", ") });
}
