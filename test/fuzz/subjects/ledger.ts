import fc from "fast-check";
import { copyOf } from "../../../lab/ledger/memory-items.ts";
import { isSameJson, type Json } from "../../../shared/base/json.ts";
import { readItem } from "../../support/readers.ts";
import { released } from "../../support/released.ts";
import { alteredObject } from "./altered.ts";
import { answered, hold, type Subject, subject } from "./subject.ts";

const recorded = released().at(-1)?.items ?? {};

/** What the ledger holds, also when somebody has changed it by hand. */
export const ledgerSubjects: readonly Subject[] = [
  subject({
    name: "stored items",
    inputs: fc.oneof(
      ...Object.entries(recorded).map(([kind, items]) =>
        fc.record({ kind: fc.constant(kind), item: alteredObject(...items.slice(0, 20)) }),
      ),
    ),
    answer: ({ kind, item }) =>
      answered(["ledger-item-unreadable"], () => {
        const read = readItem(kind, item);
        copyOf(read);
        hold("it is read again as it was read", isSameJson(asJson(readItem(kind, { ...item, ...read })), asJson(read)));
      }),
  }),
];

function asJson(value: object): Json {
  const json: Json = JSON.parse(JSON.stringify(value));
  return json;
}
