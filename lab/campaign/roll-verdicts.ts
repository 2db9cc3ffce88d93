import * as z from "zod";
import type { FailureCode } from "../../shared/base/errors.ts";
import type { CampaignResult } from "./campaign-result.ts";

const outputSchema = z.object({ outcome: z.string(), reason: z.string().default("") });

/** What only a fault explains, or two calls of the autopilot that are in each other's way. */
const OWN_TROUBLE: readonly string[] = [
  "access-denied",
  "aws-rejected",
  "aws-unavailable",
  "control-plane-busy",
  "control-plane-refused",
  "reader-refused",
  "registration-refused",
  "secret-denied",
  "secret-unavailable",
  "secret-version-foreign",
  "throttled",
  "unexpected-error",
] satisfies readonly FailureCode[];

/** How ECS says that a registration has to wait for another one. */
const BUSY = /Too many concurrent attempts/;

/** Faults after which a task may not read its secret. */
const DENYING = ["secret-denied", "kms-denied"];

/**
 * No roll ends because two calls of the autopilot met. Where nothing is at fault, none ends with trouble of its own
 * making; where no fault denies it, a task may read its secret; what only has to wait is never reported as a failure.
 */
export function rollVerdictViolations({
  lab,
  isCalm,
  faultKinds,
}: Pick<CampaignResult, "lab" | "isCalm" | "faultKinds">): readonly string[] {
  const isDenying = DENYING.some((kind) => faultKinds.has(kind));
  const verdicts = lab.slack.messages().filter(({ text }) => BUSY.test(text));
  const broken = verdicts.slice(0, 1).map(({ text }) => `a roll that had to wait has failed: ${oneLine(text)}`);
  for (const { name, output } of lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn })) {
    const ended = outputSchema.safeParse(JSON.parse(output ?? "null")).data;
    const isOwn = isCalm && OWN_TROUBLE.includes(ended?.reason ?? "");
    const isDenied = !isDenying && ended?.reason === "secret-denied";
    if (ended && (isOwn || isDenied)) broken.push(`the roll ${name} ${ended.outcome}: ${ended.reason}`);
  }
  return broken;
}

function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}
