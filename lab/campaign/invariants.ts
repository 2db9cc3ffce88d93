import { SECRET_NAME_PREFIX } from "../../shared/base/vocabulary.ts";
import { LAB_SLACK_TOKEN } from "../autopilot/lab.ts";
import { everythingWritten, formsOf, leaks, secretValues } from "../leaks.ts";
import { MALFORMED } from "./actions.ts";
import type { CampaignResult } from "./campaign-result.ts";
import { rolloutViolations } from "./rollout-invariants.ts";
import { secretViolations } from "./secret-invariants.ts";
import { serviceViolations } from "./service-invariants.ts";

/** What is broken, in words. Nothing when all is as it should be. */
export async function violations(aftermath: CampaignResult): Promise<readonly string[]> {
  return [
    ...(await serviceViolations(aftermath)),
    ...(await rolloutViolations(aftermath)),
    ...(await secretViolations(aftermath)),
    ...deadLetters(aftermath),
    ...(await secretsWritten(aftermath)),
  ];
}

/** Secrets that stand where they have no place, as far as records were kept. */
async function secretsWritten({ people: { stage } }: CampaignResult): Promise<readonly string[]> {
  if (stage.lab.logs.length === 0) return [];
  const secrets = (await secretValues(stage)).flatMap(({ name, value }) =>
    name.startsWith(SECRET_NAME_PREFIX) ? formsOf(value) : [],
  );
  const written = await everythingWritten(stage);
  return [...new Set(leaks(written, [LAB_SLACK_TOKEN, ...secrets]))].map((where) => `a secret in the ${where}`);
}

/** Lambda tries an asynchronous event three times in three minutes: a fault that lasts longer buries it. */
const BURIED_WITHIN_MS = 5 * 60_000;
const TROUBLE = /^(Autopilot\.(Retryable|Throttled)|Runtime\.ExitError)$/;

/** Events that no function could handle: only those that were made to fail, or that came while AWS failed. */
function deadLetters({ lab, faultsEndedMs }: CampaignResult): readonly string[] {
  return lab.lambda.deadLetters.flatMap(({ functionName, at, error, message, payload }) => {
    if (JSON.stringify(payload).includes(MALFORMED)) return [];
    // Nothing can be read of a control plane whose root CA is none: that is to be loud.
    if (functionName === "watch-root-ca" && /^(invalid-pem|control-plane-incomplete):/.test(message)) return [];
    if (TROUBLE.test(error) && Date.parse(at) < faultsEndedMs + BURIED_WITHIN_MS) return [];
    return [`${functionName} could not handle an event at ${at}: ${error}: ${message}`];
  });
}
