import { AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { isReaderOf, readersIn, withReaders } from "../../data-plane/ztunnel/index.ts";
import { type Claim, newClaim, withAdopted, withHolder } from "../../model/claim.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { SecretsCalls } from "../../ports/ports.ts";

export interface ReaderCalls {
  readonly secrets: Pick<SecretsCalls, "getResourcePolicy" | "putResourcePolicy" | "deleteResourcePolicy">;
  readonly ledger: Pick<Ledger, "changeClaim">;
}

/** An execution role that a service's tasks read a secret with. */
export interface SecretReader {
  /** The secret, as the ledger's claims name it. */
  readonly subject: string;
  readonly serviceArn: string;
  readonly account: string;
  readonly executionRoleArn: string;
}

/** How often the policy is written before others' writes are left to them. Each of them writes all readers. */
const MOST_WRITES = 5;

/** Notes in the ledger that the service needs the reader. Throws `reader-refused` for a principal of another kind. */
export async function claimReader(
  { subject, serviceArn, account, executionRoleArn }: SecretReader,
  { changeClaim }: ReaderCalls["ledger"],
): Promise<Claim> {
  if (!isReaderOf(account, executionRoleArn)) throw new AutopilotError("reader-refused", executionRoleArn);
  const { stored } = await changeClaim(subject, (claim) => ({
    next: withHolder(claim ?? newClaim(subject), executionRoleArn, serviceArn),
  }));
  return stored ?? newClaim(subject);
}

/**
 * Writes the secret's policy from the readers that the ledger knows, and reads both again until they agree:
 * PutResourcePolicy replaces the document without a condition, so that another roll's write can take a reader away.
 * Throws `throttled` when others write it again and again.
 */
export async function ensureReaders(secretArn: string, reader: SecretReader, calls: ReaderCalls): Promise<void> {
  for (let writes = 0; writes <= MOST_WRITES; writes += 1) {
    const claim = await claimReader(reader, calls.ledger);
    if ((await writeReaders(secretArn, claim, calls, reader)) === "agrees") return;
  }
  throw new AutopilotError("throttled", `${secretArn}: others wrote its policy ${MOST_WRITES} times.`);
}

/**
 * Compares the policy with the claim once, and writes it where it differs. `agrees`: there is no more to do.
 */
export async function writeReaders(
  secretArn: string,
  known: Claim,
  { secrets, ledger }: ReaderCalls,
  { account, executionRoleArn }: Pick<SecretReader, "account"> & Partial<Pick<SecretReader, "executionRoleArn">>,
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
