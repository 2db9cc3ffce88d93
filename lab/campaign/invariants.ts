import { LAB_SLACK_TOKEN } from "../autopilot/lab.ts";
import { everythingWritten, formsOf, leaks, secretValues } from "../leaks.ts";
import { MALFORMED } from "./actions.ts";
import type { CampaignResult } from "./campaign-result.ts";
import { emergencyViolations } from "./emergency-invariants.ts";
import { identityViolations } from "./identity-invariants.ts";
import { messageViolations } from "./message-invariants.ts";
import { ownershipViolations } from "./ownership-invariants.ts";
import { rollVerdictViolations } from "./roll-verdicts.ts";
import { rolloutViolations } from "./rollout-invariants.ts";
import { secretViolations } from "./secret-invariants.ts";
import { serviceViolations } from "./service-invariants.ts";
import { tenantViolations } from "./tenant-invariants.ts";
import { wishViolations } from "./wish-invariants.ts";

/** The violated invariants, in words. Empty when every invariant holds. */
export async function violations(result: CampaignResult): Promise<readonly string[]> {
  return [
    ...(await serviceViolations(result)),
    ...(await rolloutViolations(result)),
    ...(await wishViolations(result)),
    ...(await secretViolations(result)),
    ...(await identityViolations(result)),
    ...(await emergencyViolations(result)),
    ...(await tenantViolations(result)),
    ...result.watched.flatMap(({ broken }) => broken),
    ...rollVerdictViolations(result),
    ...messageViolations(result),
    ...deadLetters(result),
    ...(await secretsWritten(result)),
    // The last, as it may let time pass.
    ...(await ownershipViolations(result)),
  ];
}

/** Places where a secret was written to a record. Finds nothing in a run that kept no records. */
async function secretsWritten({ actors: { driver } }: CampaignResult): Promise<readonly string[]> {
  if (driver.lab.logs.length === 0) return [];
  const secrets = (await secretValues(driver)).flatMap(({ name, value }) =>
    name.startsWith(driver.lab.config.keys.prefix) ? formsOf(value) : [],
  );
  const written = await everythingWritten(driver);
  return [...new Set(leaks(written, [LAB_SLACK_TOKEN, ...secrets]))].map((where) => `a secret in the ${where}`);
}

/**
 * Lambda tries an asynchronous event three times within three minutes. An event can still fail this long after a fault.
 */
const FAILS_WITHIN_MS = 5 * 60_000;
/** Slow calls and rates that Slack asks to wait for can take a function's whole time. */
const FAULT_ERROR = /^(Autopilot\.(Retryable|Throttled)|Runtime\.ExitError|Sandbox\.Timedout)$/;

/** Events that a function could not handle, other than malformed ones and those that failed because of a fault. */
function deadLetters({ lab, faultsEndedMs }: CampaignResult): readonly string[] {
  return lab.lambda.deadLetters.flatMap(({ functionName, at, error, message, payload }) => {
    if (JSON.stringify(payload).includes(MALFORMED)) return [];
    // A control plane without a valid root CA can't be read, and watch-root-ca is meant to fail loudly.
    if (functionName === "watch-root-ca" && /^(invalid-pem|control-plane-incomplete):/.test(message)) return [];
    if (FAULT_ERROR.test(error) && Date.parse(at) < faultsEndedMs + FAILS_WITHIN_MS) return [];
    return [`${functionName} could not handle an event at ${at}: ${error}: ${message}`];
  });
}
