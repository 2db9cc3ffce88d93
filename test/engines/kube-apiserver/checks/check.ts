import type { Cluster } from "../cluster/cluster.ts";

/** What the API server must do with the product alone: the simulator has nothing of its kind. */
export interface Check {
  readonly what: string;
  /** How it must end: these words, or words like that. */
  readonly expected: string | RegExp;
  readonly play: (cluster: Cluster) => Promise<string>;
}

export interface CheckChapter {
  readonly name: string;
  readonly checks: readonly Check[];
}

/** The difference in words; undefined if it ended as it must. */
export function apartFrom({ what, expected }: Check, outcome: string): string | undefined {
  const fits = typeof expected === "string" ? expected === outcome : expected.test(outcome);
  return fits ? undefined : `${what}: expected ${String(expected)}, but: ${outcome}`;
}
