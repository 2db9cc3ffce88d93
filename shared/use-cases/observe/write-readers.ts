import { asAutopilotError } from "../../base/errors.ts";
import { isReaderOf, readersIn, withReaders } from "../../data-plane/ztunnel/index.ts";
import { type Claim, withAdopted } from "../../model/claim.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { SecretsCalls } from "../../ports/ports.ts";

export interface ReaderCalls {
  readonly secrets: Pick<SecretsCalls, "getResourcePolicy" | "putResourcePolicy" | "deleteResourcePolicy">;
  readonly ledger: Pick<Ledger, "changeClaim">;
}

/**
 * Compares the policy with the claim once, and writes it where it differs. `agrees`: there is no more to do.
 */
export async function writeReaders(
  secretArn: string,
  known: Claim,
  { secrets, ledger }: ReaderCalls,
  { account, executionRoleArn }: { readonly account: string; readonly executionRoleArn?: string },
): Promise<"agrees" | "written"> {
  const present = await secrets.getResourcePolicy(secretArn);
  const inPolicy = readersIn(present).filter((principal) => isReaderOf(account, principal));
  // A policy that an earlier version wrote: its readers stay until a sweep finds that nobody needs them.
  const claim = known.adopted ? known : await adopt(known, inPolicy, ledger);
  const readers = Object.keys(claim.holders);
  const { policy, changed } = withReaders(present, readers);
  if (!changed) return "agrees";
  try {
    await write(secretArn, policy, secrets);
    return "written";
  } catch (error) {
    if (asAutopilotError(error).code !== "secret-unavailable") throw error;
    // AWS refuses a policy that names a role which was deleted: that role must not keep the others out.
    const alive = readers.filter((role) => role === executionRoleArn || inPolicy.includes(role));
    const without = withReaders(present, alive);
    if (alive.length === readers.length) throw error;
    if (without.changed) await write(secretArn, without.policy, secrets);
    return "agrees";
  }
}

async function adopt(known: Claim, readers: readonly string[], { changeClaim }: ReaderCalls["ledger"]): Promise<Claim> {
  const { stored } = await changeClaim(known.subject, (claim) => ({ next: withAdopted(claim ?? known, readers) }));
  return stored ?? known;
}

async function write(secretArn: string, policy: string | undefined, secrets: ReaderCalls["secrets"]): Promise<void> {
  if (policy === undefined) await secrets.deleteResourcePolicy(secretArn);
  else await secrets.putResourcePolicy(secretArn, policy);
}
