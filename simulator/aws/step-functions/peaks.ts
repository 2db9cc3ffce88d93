import type { Json } from "../../base/json.ts";

/** The most that a state machine's executions have come to, those of its distributed Maps included. */
export class Peaks {
  /** Bytes of the largest input, output or set of variables of a state; 0 unless payloads are measured. */
  payloadBytes = 0;
  /** Events of the longest history. */
  historyEvents = 0;
  readonly #measurePayloads: boolean;

  constructor(measurePayloads: boolean) {
    this.#measurePayloads = measurePayloads;
  }

  notePayload(value: Json): void {
    if (!this.#measurePayloads) return;
    const text = JSON.stringify(value);
    // Most texts are far below the peak: a UTF-16 unit takes at most three bytes.
    if (text.length * 3 > this.payloadBytes) this.payloadBytes = Math.max(this.payloadBytes, Buffer.byteLength(text));
  }

  noteHistory(events: number): void {
    this.historyEvents = Math.max(this.historyEvents, events);
  }
}
