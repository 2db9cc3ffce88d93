import { AutopilotError } from "../../base/errors.ts";
import { isReaderOf } from "../../data-plane/ztunnel/index.ts";
import { type Claim, newClaim, withHolder } from "../../model/claim.ts";
import { type ReaderCalls, writeReaders } from "../observe/write-readers.ts";

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
