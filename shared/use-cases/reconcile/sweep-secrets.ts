import type { ServiceRef } from "../../base/arn.ts";
import { failureFixes } from "../../base/failure-fixes.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Log, SecretsCalls } from "../../ports/ports.ts";
import { forgetGone, noteGone } from "./gone-secrets.ts";
import type { LaterStates } from "./known-ledger.ts";
import { type ReportCorrectedCalls, reportCorrected } from "./repair.ts";
import { retireSecretVersions } from "./retire.ts";
import type { Sighting } from "./sighting.ts";
import type { Tally } from "./sweep-tally.ts";

interface SweepSecretsCalls extends ReportCorrectedCalls {
  readonly config: Pick<Config, "keys">;
  readonly later: LaterStates;
  readonly ledger: Pick<Ledger, "patchService" | "claimRepair">;
  readonly log: Pick<Log, "error">;
  readonly tally: Pick<Tally, "secretsGone">;
}

/**
 * Retires versions that nobody uses, and notes the secrets in the sighting. A secret that is pinned and scheduled for
 * deletion is restored: no task could start from it. Returns the services that pin one which is gone for good: to be
 * reconciled again, which has it written again. Where that does not help it is reported.
 */
export async function sweepSecrets(
  secrets: SecretsCalls,
  sighting: Sighting,
  calls: SweepSecretsCalls,
): Promise<readonly ServiceRef[]> {
  const noting = {
    describeSecret: secrets.describeSecret.bind(secrets),
    removeLabel: secrets.removeLabel.bind(secrets),
    moveLabel: secrets.moveLabel.bind(secrets),
    listSecrets: (prefix: string) => sighting.noting(secrets.listSecrets(prefix)),
  };
  // One that can't be read since the sweep began is uncertain, too; of one that ECS has not, nothing is needed.
  for (const serviceArn of calls.later.unreadable) {
    if (sighting.services.has(serviceArn)) sighting.uncertain.add(serviceArn);
  }
  const gone = await retireSecretVersions(noting, sighting.secrets, calls.later.states, {
    prefix: calls.config.keys.prefix,
    isHeld: (secretArn) => sighting.mayBeReturnedTo(secretArn),
  });
  const known = { sighting, states: calls.later.states, ledger: calls.ledger };
  const again: ServiceRef[] = [];
  for (const secretArn of gone) {
    const secret = await secrets.describeSecret(secretArn);
    if (secret?.scheduledForDeletion) {
      await secrets.restoreSecret(secretArn);
      const [user] = sighting.usersOf(secretArn);
      if (!user) continue;
      await reportCorrected(user, ["secret"], calls);
      continue;
    }
    const found = await noteGone(secretArn, known);
    if (found.isLeft) reportGone(secretArn, calls);
    again.push(...found.again);
  }
  await forgetGone(known);
  return again;
}

function reportGone(secretArn: string, { log, tally }: Pick<SweepSecretsCalls, "log" | "tally">): void {
  tally.secretsGone += 1;
  const fix = failureFixes["secret-unavailable"];
  log.error(`token secret gone: ${secretArn}`, { code: "secret-unavailable", fix });
}
