import { sha256 } from "../../base/json.ts";
import type { Claim } from "../../model/claim.ts";

/** A secret of ours as it was listed, and its claim. */
export interface ListedSecret {
  readonly claim: Claim;
  readonly secretArn: string;
  /** When anything of it was changed last, epoch milliseconds. */
  readonly changedMs: number | undefined;
}

/** Secrets whose policies were read, and named their readers: that holds as long as neither they nor these change. */
export interface KnownPolicies {
  isKnown(secret: ListedSecret): boolean;
  note(secret: ListedSecret): void;
}

const MOST_SECRETS = 50_000;

/** Remembers them as long as the function is warm. */
export function knownPolicies(): KnownPolicies {
  const marks = new Map<string, string>();
  const markOf = ({ claim, changedMs }: ListedSecret) => `${changedMs} ${claim.version}`;
  return {
    isKnown: (secret) => secret.changedMs !== undefined && marks.get(secret.secretArn) === markOf(secret),
    note: (secret) => {
      if (marks.size >= MOST_SECRETS) marks.clear();
      marks.set(secret.secretArn, markOf(secret));
    },
  };
}

/** As often as sweeps are scheduled. */
const SWEEP_MS = 15 * 60_000;
/** Sweeps after which every policy of a large fleet was read, even if no date has changed: twelve hours. */
const TURNS = 48;
const SMALL_FLEET = 50;
/** Policies that a sweep reads at most: of secrets that have changed, and of those without a date. */
const MOST_DATED = 100;
const MOST_UNDATED = 5;

/**
 * The secrets whose policies a sweep reads: those that have changed since their policies were read, and in turns all
 * others. In a small fleet, it is one each sweep.
 */
export function policiesToRead(
  secrets: readonly ListedSecret[],
  at: { readonly known: KnownPolicies | undefined; readonly services: number; readonly nowMs: number },
): readonly ListedSecret[] {
  const turns = at.services <= SMALL_FLEET ? Math.max(1, secrets.length) : TURNS;
  const turn = Math.floor(at.nowMs / SWEEP_MS) % turns;
  const inOrder = secrets.toSorted((a, b) => (a.claim.subject < b.claim.subject ? -1 : 1));
  // Evenly over the turns.
  const isTurn = (_: ListedSecret, index: number) => Math.floor((index * turns) / secrets.length) % turns === turn;
  const changed = inOrder
    .filter((secret, index) => !isTurn(secret, index) && at.known?.isKnown(secret) !== true)
    .map((secret) => ({ secret, order: sha256(`${secret.claim.subject} ${at.nowMs}`) }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ secret }) => secret);
  const isDated = ({ changedMs }: ListedSecret) => at.known !== undefined && changedMs !== undefined;
  return [
    ...inOrder.filter(isTurn),
    ...changed.filter(isDated).slice(0, MOST_DATED),
    ...changed.filter((secret) => !isDated(secret)).slice(0, MOST_UNDATED),
  ];
}
