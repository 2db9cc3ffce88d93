import { expiringCache } from "../../base/expiring-cache.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ParameterCalls } from "../../ports/ports.ts";
import { isBehind, type LedgerMark, ledgerStanding, parseMark } from "../../rollout/ledger-fence.ts";

/** The mark beside the ledger, as it is read. */
interface MarkCalls {
  readonly parameters: Pick<ParameterCalls, "getParameter">;
  /** The parameter that has it. */
  readonly markName: string;
}

/** How long an earlier mark may be used: it only rises, and one that does not fit is read again. */
const KEPT_MS = 60_000;

/** True while nothing may be rolled by what the ledger says. */
export type LedgerFence = () => Promise<boolean>;

/** The fence of a ledger. A mark is kept for a minute. */
export function ledgerFence(
  calls: MarkCalls & { readonly ledger: Pick<RolloutLedger, "getFleet">; readonly now: () => number },
): LedgerFence {
  const kept = expiringCache<LedgerMark>({ size: 1, ttlMs: KEPT_MS, now: calls.now });
  return async () => {
    const known = kept.get("");
    if (known && !isBehind(ledgerStanding(known, await calls.ledger.getFleet()))) return false;
    const mark = parseMark(await calls.parameters.getParameter(calls.markName));
    if (mark) kept.set("", mark);
    return isBehind(ledgerStanding(mark, await calls.ledger.getFleet()));
  };
}
