import type { ZodType } from "zod";
import type { FunctionName } from "../../shared/base/vocabulary.ts";
import * as ledger from "../../shared/gateways/ledger/ledger-items.ts";
import * as fleetSteps from "../../shared/rollout/steps.ts";
import * as rollSteps from "../../shared/use-cases/roll/steps.ts";

/** How each kind of item is read, in this version or in another one. */
export type ItemReaders = Pick<
  typeof ledger,
  | "readChannel"
  | "readClaim"
  | "readFleet"
  | "readMesh"
  | "readPace"
  | "readRollout"
  | "readRolloutService"
  | "readService"
>;

/** Reads an item of a kind. Throws `ledger-item-unreadable`. */
export function readItem(kind: string, item: object, readers: ItemReaders = ledger): object {
  const read: Readonly<Record<string, (item: object) => object>> = {
    channel: readers.readChannel,
    claim: readers.readClaim,
    fleet: readers.readFleet,
    mesh: readers.readMesh,
    pace: readers.readPace,
    rollout: readers.readRollout,
    "rollout-service": readers.readRolloutService,
    service: readers.readService,
  };
  const reader = read[kind];
  if (!reader) throw new RangeError(`there is no reader of a ${kind}`);
  return reader(item);
}

const reads = (schema: ZodType) => (input: unknown) => schema.safeParse(input).success;

/** Whether each step of a state machine reads an input, by its function. */
export const payloadsRead: Readonly<Partial<Record<string, (input: unknown) => boolean>>> = {
  "roll/plan": reads(rollSteps.planInput),
  "roll/apply": reads(rollSteps.applyInput),
  "roll/await-deployment": reads(rollSteps.awaitInput),
  "roll/verify": reads(rollSteps.verifyInput),
  "roll/revert": reads(rollSteps.revertInput),
  "roll/finish": reads(rollSteps.finishInput),
  "rollout/start": reads(fleetSteps.startInput),
  "rollout/next-wave": reads(fleetSteps.nextWaveInput),
  "rollout/take": reads(fleetSteps.takeInput),
  "rollout/hold": reads(fleetSteps.holdInput),
  "rollout/assess-wave": reads(fleetSteps.assessInput),
  "rollout/finish": reads(fleetSteps.finishRolloutInput),
} satisfies Partial<Record<FunctionName, (input: unknown) => boolean>>;

/** The item without the members that these readers refuse, because they read strictly and don't know them. */
export function asKnownTo(readers: ItemReaders, kind: string, item: object): object {
  try {
    readItem(kind, item, readers);
    return item;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const lists = [...detail.matchAll(/Unrecognized keys?: ([^;]*)/g)].map(([, names = ""]) => names);
    const names = lists.flatMap((list) => [...list.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name));
    if (names.length === 0) throw error;
    const known: object = JSON.parse(
      JSON.stringify(item, (name, value: unknown) => (names.includes(name) ? undefined : value)),
    );
    return asKnownTo(readers, kind, known);
  }
}
