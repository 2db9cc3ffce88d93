import * as z from "zod";
import { openObject } from "../base/lenient.ts";
import type { FleetState } from "../model/rollout.ts";

/**
 * Beside the ledger: the number of the mark, and the version of the fleet's state when it was written. The ledger's own
 * number rises first, and only while the two are in step: a ledger that was restored has a lower one for good, also if
 * it was written since.
 */
const ledgerMarkSchema = openObject({ number: z.int().positive(), version: z.int().nonnegative() });
export type LedgerMark = z.output<typeof ledgerMarkSchema>;

/** The mark that a parameter has; undefined for none, or for one that somebody has spoiled: it is written again. */
export function parseMark(text: string | undefined): LedgerMark | undefined {
  try {
    return text === undefined ? undefined : ledgerMarkSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON
  }
}

/**
 * How the ledger stands to its mark. `new`: there is neither. `unwritten`: the ledger has the number of the next one
 * already, or the mark is gone. `ahead`: the ledger was written since. `emptied`, `restored`: items of it are gone or
 * older. `adopting`: that is known.
 */
export type LedgerStanding = "new" | "unwritten" | "in-step" | "ahead" | "emptied" | "restored" | "adopting";

type Fenced = Pick<FleetState, "version" | "mark" | "adopting">;

/**
 * How the ledger stands to its mark, by the fleet's state, whose version rises with every write. The mark has to be
 * read before the state: others write the ledger, and then the mark, meanwhile.
 */
export function ledgerStanding(mark: LedgerMark | undefined, { version, mark: own, adopting }: Fenced): LedgerStanding {
  if (adopting) return "adopting";
  if (!mark) return own === undefined ? "new" : "unwritten";
  if (own === undefined) return "emptied";
  if (own > mark.number) return "unwritten";
  if (own < mark.number || version < mark.version) return "restored";
  return version > mark.version ? "ahead" : "in-step";
}

/** True while nothing may be rolled by what the ledger says. */
export function isBehind(standing: LedgerStanding): boolean {
  return standing === "emptied" || standing === "restored" || standing === "adopting";
}

/** The image that most services run; of several, the first by name. Undefined without any. */
export function majorityOf(images: readonly string[]): string | undefined {
  const counts = [...Map.groupBy(images, (image) => image)].map(([image, same]) => ({ image, count: same.length }));
  return counts.toSorted((a, b) => b.count - a.count || (a.image < b.image ? -1 : 1))[0]?.image;
}
