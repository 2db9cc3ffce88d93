import { AutopilotError, type FailureCode, failures } from "../../shared/base/errors.ts";
import { failureFixes } from "../../shared/base/failure-fixes.ts";
import type { JsonObject } from "../../shared/base/json.ts";

/** What the command ends with. `interrupted` is what shells expect of Ctrl-C. */
export const exitCodes = { ok: 0, failed: 1, refused: 2, unreachable: 3, interrupted: 130 } as const;

/** Wrong usage: reported with the way to the command's help. */
export class UsageError extends Error {}

/** Something that is not done, with what to do instead. */
export class Refused extends Error {
  readonly code: string;
  readonly fix: string;

  constructor(code: string, sentence: string, fix: string, options: { readonly cause?: unknown } = {}) {
    super(sentence, options);
    this.code = code;
    this.fix = fix;
  }
}

const unreachable: ReadonlySet<FailureCode> = new Set(["throttled", "access-denied", "aws-unavailable"]);
const failed: ReadonlySet<FailureCode> = new Set(["unexpected-error", "ledger-item-unreadable"]);

/** The exit code for an error: 3 when AWS could not be asked, 1 when the command itself failed, else 2. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError || error instanceof Refused) return exitCodes.refused;
  if (!(error instanceof AutopilotError) || failed.has(error.code)) return exitCodes.failed;
  return unreachable.has(error.code) || error.code === "aws-rejected" ? exitCodes.unreachable : exitCodes.refused;
}

/** The autopilot repeats these by itself; an operator has to act. */
const ownFixes: Partial<Record<FailureCode, string>> = {
  "aws-unavailable": "Check the network, the configuration's home region and AWS_ENDPOINT_URL, then try again.",
  "access-denied":
    "Check the credentials of the environment (`aws sts get-caller-identity`) and what they may do: `npm run autopilot -- policy` prints what they need, and operatorRoles lets them into other accounts.",
  throttled: "Try again in a minute.",
};

/** What an operator does about a failure. */
export function fixFor(code: FailureCode): string {
  return ownFixes[code] ?? failureFixes[code];
}

/** An error as people and scripts get it. */
export function explained(error: unknown): { readonly code: string; readonly sentence: string; readonly fix: string } {
  if (error instanceof UsageError) return { code: "usage", sentence: error.message, fix: "" };
  if (error instanceof Refused) return { code: error.code, sentence: error.message, fix: error.fix };
  if (error instanceof AutopilotError) {
    const { sentence } = failures[error.code];
    return { code: error.code, sentence: detailed(sentence, error.detail), fix: fixFor(error.code) };
  }
  return { code: "unexpected-error", sentence: error instanceof Error ? error.message : String(error), fix: "" };
}

/** A failure's sentence with the thing that it is about. */
export function detailed(sentence: string, detail: string): string {
  return detail === "" ? sentence : `${sentence.replace(/\.$/, "")}: ${detail}`;
}

/** The same as JSON. */
export function errorJson(error: unknown): JsonObject {
  return { error: { ...explained(error) } };
}
