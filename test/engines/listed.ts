import type { Difference } from "./engine.ts";

/** A difference that is accepted. */
export interface Listed {
  /** The difference in the engine's words; `*` stands for any characters. */
  readonly what: string;
  /** Whose fault it is, and the source that says so. */
  readonly reason: string;
  /** Only the whole comparison finds it. */
  readonly notInQuick?: boolean;
}

/**
 * The differences with the reasons of those that are listed. An entry of the list that no difference has is a
 * difference itself: the list says something that is no longer so.
 */
export function withReasons(
  found: readonly string[],
  list: readonly Listed[],
  { quick }: { readonly quick: boolean },
): readonly Difference[] {
  const entries = list.map((entry) => ({ ...entry, pattern: patternOf(entry.what) }));
  const differences = found.map((what): Difference => {
    const reason = entries.find(({ pattern }) => pattern.test(what))?.reason;
    return reason === undefined ? { what } : { what, listed: reason };
  });
  const stale = entries.filter(
    ({ pattern, notInQuick = false }) => !(quick && notInQuick) && !found.some((what) => pattern.test(what)),
  );
  return [...differences, ...stale.map(({ what }) => ({ what: `listed, but it does not occur any more: ${what}` }))];
}

function patternOf(what: string): RegExp {
  return new RegExp(`^${what.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "s");
}
