import * as z from "zod";
import { starred, wildcard } from "./wildcard.ts";

/** What can go wrong. A fault rule is data: tests, files and HTTP requests can carry the same. */
export const faultKinds = [
  "container-unhealthy",
  "task-stops",
  "task-dies",
  "no-capacity",
  "spot-interruption",
  "az-rebalancing",
  "guardduty-agent",
  "new-values",
  "secret-denied",
  "secrets-unreachable",
  "kms-denied",
  "throttle",
  "api-error",
  "lost-answer",
  "lose-event",
  "duplicate-event",
  "delay-event",
  "lambda-crash",
  "lambda-service-error",
  "kubernetes-down",
  "slack-down",
  "continue-expired",
  "namespace-terminating",
  "slack-error",
  "slack-rate-limited",
  "slack-bad-gateway",
  "several-gateways",
  "no-workload-entry",
  "unlabeled-entries",
  "no-redirection",
  "other-entries",
  "region-down",
  "slow-call",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * The names under which Step Functions reports that Lambda itself failed, not the function: the four transient errors
 * of https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html and throttling.
 */
export const lambdaServiceErrors = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
] as const;

/**
 * The names under which Step Functions reports that a state's StartExecution was throttled: a modeled error, or the
 * base class of the SDK that made the call.
 */
export const startServiceErrors = [
  "StepFunctions.ThrottlingException",
  "StepFunctions.AWSStepFunctionsException",
  "StepFunctions.SfnException",
] as const;

/** Every member that is given must match; a `*` in a text stands for any characters. */
const matchSchema = z.strictObject({
  account: z.string().optional(),
  region: z.string().optional(),
  /** ECS service's name or ARN. */
  service: z.string().optional(),
  /** The container's image (`container-unhealthy`, `task-stops`, `task-dies`). */
  image: z.string().optional(),
  /** The container's name (`container-unhealthy`, `task-stops`, `task-dies`). */
  container: z.string().optional(),
  /**
   * A call by service and operation: `ecs.UpdateService`, `secretsmanager.*`, `ledger.takeLease` (`throttle`,
   * `api-error`, `lost-answer`, `region-down`, `slow-call`, `lambda-crash`); a method of Slack's for `slack-error`,
   * `slack-rate-limited` and `slack-bad-gateway`: `slack.chat.update`, `slack.webhook`.
   */
  call: z.string().optional(),
  /** The Lambda function by its file's name: `roll/apply` (`lambda-crash`, `lambda-service-error`). */
  function: z.string().optional(),
  /** The state machine's state that invokes a function or starts an execution (`lambda-service-error`, `api-error`). */
  state: z.string().optional(),
  /** Event's detail-type (`lose-event`, `duplicate-event`, `delay-event`). */
  detailType: z.string().optional(),
  /** Control plane's name (`kubernetes-down`, `continue-expired`, `several-gateways`, those of WorkloadEntries). */
  controlPlane: z.string().optional(),
  /** Kubernetes namespace (`namespace-terminating`). */
  namespace: z.string().optional(),
});

/** A week. Node's timers end at 24 days. */
const LONGEST_DELAY_SECONDS = 7 * 24 * 3600;

const givenRuleSchema = z.strictObject({
  kind: z.enum(faultKinds),
  match: matchSchema.default({}),
  /** How often it strikes; without it, for as long as the rule is there. */
  count: z.int().positive().optional(),
  /** How many matches go by before it strikes. */
  skip: z.int().nonnegative().default(0),
  /** Strikes only from and until these times of the clock (epoch milliseconds). */
  fromMs: z.int().nonnegative().optional(),
  untilMs: z.int().nonnegative().optional(),
  /**
   * `lambda-crash`: before the named call is sent, or after it was answered. `lambda-service-error`: before the
   * function runs, or after it has ended. `slow-call`: before the call's effect, or between effect and answer.
   * `slack-error`, `slack-bad-gateway`: in place of the call's effect, or after it.
   */
  when: z.enum(["before", "after"]).default("before"),
  /**
   * `api-error`: AWS's error name. `lambda-service-error`: one of `lambdaServiceErrors`. `slack-error`: Slack's code,
   * such as `is_archived`.
   */
  error: z.string().optional(),
  /** `api-error`: AWS's message, where the name says too little. `guardduty-agent`: why it does not start. */
  message: z.string().min(1).optional(),
  /** `task-dies`: 137 is a container that ran out of memory. Default 1. */
  exitCode: z.int().min(0).max(255).optional(),
  /**
   * `delay-event`, `slow-call`; `task-dies`, `spot-interruption`, `az-rebalancing`: from RUNNING to what happens;
   * `slack-rate-limited`: what Slack asks for.
   */
  delaySeconds: z.number().positive().max(LONGEST_DELAY_SECONDS).default(60),
});

/** A fault rule with its defaults. */
export const faultRuleSchema = givenRuleSchema.transform((rule) => ({
  ...rule,
  error: rule.error ?? errorOf(rule.kind),
}));
export type FaultRule = z.infer<typeof faultRuleSchema>;
export type FaultMatch = z.infer<typeof matchSchema>;

function errorOf(kind: FaultKind): string {
  if (kind === "slack-error") return "fatal_error";
  return kind === "lambda-service-error" ? "Lambda.ServiceException" : "ServerException";
}

function textMatches(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (!pattern.includes("*")) return pattern === text;
  return wildcard(starred(pattern))(text);
}

function matches(match: FaultMatch, subject: FaultMatch): boolean {
  for (const [key, pattern] of Object.entries(match)) {
    if (pattern === undefined) continue;
    const value = Object.entries(subject).find(([name]) => name === key)?.[1];
    const shortName = key === "service" ? value?.split("/").at(-1) : undefined;
    if (!textMatches(pattern, value) && !textMatches(pattern, shortName)) return false;
  }
  return true;
}

/** The HTTP status that AWS answers an error of this name with. */
export function faultStatus(errorName: string): number {
  if (/^ServiceUnavailable/.test(errorName)) return 503;
  return /^(Server|Internal)/.test(errorName) ? 500 : 400;
}

/** A rule with how many matches it let go by and how often it has struck. */
interface Entry {
  readonly rule: FaultRule;
  skipped: number;
  struck: number;
}

/** The fault rules in force, with how often each has struck. */
export class Faults {
  #rules: Entry[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Replaces all rules. Throws a ZodError when one is not valid. */
  replace(rules: readonly unknown[]): void {
    this.#rules = rules.map((rule) => ({ rule: faultRuleSchema.parse(rule), skipped: 0, struck: 0 }));
  }

  add(rule: z.input<typeof faultRuleSchema>): void {
    this.#rules.push({ rule: faultRuleSchema.parse(rule), skipped: 0, struck: 0 });
  }

  list(): readonly (FaultRule & { readonly struck: number })[] {
    return this.#rules.map(({ rule, struck }) => ({ ...rule, struck }));
  }

  /** The first rule of this kind that matches and has strikes left; the strike is counted, or what it skips is. */
  strike(
    kind: FaultKind,
    subject: FaultMatch,
    accept: (rule: FaultRule) => boolean = () => true,
  ): FaultRule | undefined {
    const hit = this.#rules.find((entry) => {
      const meets = this.#meets(entry, kind, subject) && accept(entry.rule);
      if (!meets || entry.skipped === entry.rule.skip) return meets;
      entry.skipped += 1;
      return false;
    });
    if (hit) hit.struck += 1;
    return hit?.rule;
  }

  /** True if there is a rule of this kind, whether or not it still strikes. */
  has(kind: FaultKind): boolean {
    return this.#rules.some(({ rule }) => rule.kind === kind);
  }

  /** True if a rule of this kind would strike now. Counts nothing. */
  inForce(kind: FaultKind, subject: FaultMatch): boolean {
    return this.#rules.some((entry) => this.#meets(entry, kind, subject) && entry.skipped === entry.rule.skip);
  }

  #meets({ rule, struck }: Entry, kind: FaultKind, subject: FaultMatch): boolean {
    if (rule.kind !== kind) return false;
    const now = this.#now();
    return (
      (rule.count === undefined || struck < rule.count) &&
      (rule.fromMs === undefined || now >= rule.fromMs) &&
      (rule.untilMs === undefined || now < rule.untilMs) &&
      matches(rule.match, subject)
    );
  }
}
