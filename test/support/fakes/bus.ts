import { AutopilotError } from "../../../shared/base/errors.ts";
import type { BusCalls, BusEvent } from "../../../shared/ports/ports.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_REQUEST_BYTES = 1024 * 1024;
const ENTRIES_PER_REQUEST = 10;

/** The home bus, with the events that were put on it. */
export class FakeBus implements BusCalls {
  readonly events: BusEvent[] = [];

  async putEvents(events: readonly BusEvent[]) {
    for (let start = 0; start < events.length; start += ENTRIES_PER_REQUEST) {
      this.#put(events.slice(start, start + ENTRIES_PER_REQUEST));
    }
  }

  types(): string[] {
    return this.events.map(({ detailType }) => detailType);
  }

  #put(events: readonly BusEvent[]): void {
    const bytes = Buffer.byteLength(JSON.stringify(events));
    if (bytes > MAX_REQUEST_BYTES) throw new AutopilotError("aws-rejected", `PutEvents: ${bytes} bytes`);
    this.events.push(...events);
  }
}
