import type { AlarmCalls, DescribedAlarm } from "../../../shared/ports/ports.ts";

/** CloudWatch's alarms in one account and region, described in the order in which they were made. */
export class FakeAlarms implements AlarmCalls {
  readonly alarms = new Map<string, DescribedAlarm>();

  /** Makes the alarm, or changes its state. */
  set(name: string, state: DescribedAlarm["state"], reason = `it is ${state}`): void {
    this.alarms.set(name, { name, state, reason });
  }

  async describeAlarms(names: readonly string[]) {
    return [...this.alarms.values()].filter(({ name }) => names.includes(name));
  }
}
