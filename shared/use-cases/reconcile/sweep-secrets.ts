import { failureFixes } from "../../base/failure-fixes.ts";
import type { Config } from "../../config/config.ts";
import { driftCorrected } from "../../events/service-events.ts";
import type { BusCalls, Log, SecretsCalls } from "../../ports/ports.ts";
import type { LaterStates } from "./known-ledger.ts";
import { retireSecretVersions } from "./retire.ts";
import type { Sighting } from "./sighting.ts";
import type { Tally } from "./sweep-tally.ts";

interface SweepSecretsCalls {
  readonly config: Pick<Config, "keys">;
  readonly later: LaterStates;
  readonly bus: BusCalls;
  readonly log: Pick<Log, "error">;
  readonly tally: Pick<Tally, "secretsGone">;
}

/**
 * Retires versions that nobody uses, and notes the secrets in the sighting. A secret that is pinned and scheduled for
 * deletion is restored: no task could start from it. One that is gone for good is reported.
 */
export async function sweepSecrets(secrets: SecretsCalls, sighting: Sighting, calls: SweepSecretsCalls): Promise<void> {
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
  for (const secretArn of gone) {
    const secret = await secrets.describeSecret(secretArn);
    if (secret?.scheduledForDeletion) {
      await secrets.restoreSecret(secretArn);
      const user = sighting.userOf(secretArn);
      if (user) await calls.bus.putEvents([driftCorrected(user.ref, { ...user.runs, drift: ["secret"] })]);
    } else reportGone(secretArn, calls);
  }
}

function reportGone(secretArn: string, { log, tally }: Pick<SweepSecretsCalls, "log" | "tally">): void {
  tally.secretsGone += 1;
  const fix = failureFixes["secret-unavailable"];
  log.error(`token secret gone: ${secretArn}`, { code: "secret-unavailable", fix });
}
