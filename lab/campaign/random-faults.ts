import { type FaultKind, faultKinds, type faultRuleSchema, lambdaServiceErrors } from "@ztunnel-autopilot/simulator";
import type * as z from "zod";
import { awsDetailTypes, functionNames, operatorDetailTypes, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { BAD_APPLICATION, images } from "./campaign-fleet.ts";
import type { RandomChoice } from "./random-choice.ts";

export type Fault = z.input<typeof faultRuleSchema>;

/** Where troubles may strike. */
export interface FaultTargets {
  readonly places: readonly { readonly account: string; readonly region: string }[];
  readonly controlPlanes: readonly string[];
  readonly services: readonly string[];
}

/** Faults that last even if operators act: images that don't work. */
export function lastingFaults({ places }: Pick<FaultTargets, "places">): readonly Fault[] {
  const region = places.at(-1)?.region ?? "";
  return [
    { kind: "container-unhealthy", match: { image: images.bad } },
    { kind: "container-unhealthy", match: { image: images.badInOneRegion, region } },
    { kind: "task-stops", match: { image: BAD_APPLICATION } },
  ];
}

/** The functions that state machines invoke. */
const steps = functions.filter(({ invocation }) => invocation === "synchronous").map(({ name }) => name);

const ledgerCalls = [
  "getService",
  "listServices",
  "takeLease",
  "updateRoll",
  "recordSignal",
  "finishRoll",
  "patchService",
  "noteService",
  "raiseAttempt",
  "countStops",
  "forgetService",
  "dropService",
  "claimNotice",
  "claimRepair",
  "recordNotice",
  "getMesh",
  "changeMesh",
  "getFleet",
  "changeFleet",
  "createRollout",
  "getRollout",
  "changeRollout",
  "putRolloutServices",
  "getRolloutService",
  "patchRolloutService",
  "listRolloutServices",
  "reserveStart",
] as const satisfies readonly (keyof Ledgers)[];

const awsCalls = [
  "ecs.*",
  "ecs.UpdateService",
  "ecs.RegisterTaskDefinition",
  "ecs.DescribeServices",
  "ecs.Describe*",
  "ecs.List*",
  "ecs.*TagResource",
  "secretsmanager.*",
  "states.*",
  "events.PutEvents",
  "sts.*",
  "ssm.*",
  "cloudwatch.*",
];

const slackCalls = ["slack.chat.postMessage", "slack.chat.update", "slack.*"];
const slackErrors = ["fatal_error", "internal_error", "channel_not_found", "is_archived", "token_revoked"];
const calls = [...awsCalls, ...ledgerCalls.map((name) => `ledger.${name}`), "ledger.*"];
/** Owners create and delete services, too, and nobody tries that again. */
const lostCalls = calls.filter((call) => call !== "ecs.*");
const detailTypes = [
  awsDetailTypes.deployment,
  awsDetailTypes.task,
  awsDetailTypes.tag,
  operatorDetailTypes.request,
  operatorDetailTypes.control,
  "Service *",
  "Rollout *",
  "*",
];

/** A fault rule of any kind that strikes from now on, for some minutes at most. */
export function randomFault(dice: RandomChoice, ground: FaultTargets, nowMs: number): Fault {
  const kind = dice.pick([...faultKinds, "lambda-crash", "lambda-crash"] as const);
  const untilMs = nowMs + dice.int(1, 20) * 60_000;
  return { kind, untilMs, ...shapeOf(kind, dice, ground) };
}

function shapeOf(kind: FaultKind, dice: RandomChoice, ground: FaultTargets): Partial<Fault> {
  const place = dice.chance(0.5) ? dice.pick(ground.places) : { region: dice.pick(ground.places).region };
  const service = dice.maybe(ground.services);
  const named = service !== undefined && dice.chance(0.6) ? { service } : {};
  switch (kind) {
    case "container-unhealthy":
      return { match: { ...place, ...named, container: ZTUNNEL }, count: dice.int(1, 4) };
    case "secret-denied":
    case "secrets-unreachable":
    case "kms-denied":
      return { match: { ...place, ...named }, count: dice.int(1, 4) };
    case "task-stops":
      return { match: { ...named, container: dice.pick(["web", ZTUNNEL]) }, count: dice.int(1, 4) };
    case "task-dies": {
      const container = dice.pick(["web", ZTUNNEL]);
      const exitCode = dice.pick([1, 137]);
      return { match: { ...named, container }, delaySeconds: dice.int(1, 900), exitCode, count: dice.int(1, 4) };
    }
    case "spot-interruption":
    case "az-rebalancing":
      return { match: { ...place, ...named }, delaySeconds: dice.int(1, 900), count: dice.int(1, 4) };
    case "guardduty-agent":
      return {
        match: { ...place, ...named },
        ...(dice.chance(0.5) && {
          message: "CannotPullContainerError: <!here> pull <https://evil.example|image> has been retried",
        }),
      };
    case "new-values":
      return { match: { ...(dice.chance(0.5) && place), ...named } };
    case "no-capacity":
      return { match: { ...place, ...named }, count: dice.int(1, 4) };
    case "throttle":
      return { match: { ...(dice.chance(0.5) && place), call: dice.pick(calls) } };
    case "api-error": {
      if (dice.chance(0.15)) return concurrentRegistration;
      const error = dice.pick(["ServerException", "ServerException", "InternalServerError", "ServiceUnavailable"]);
      return { match: { ...(dice.chance(0.5) && place), call: dice.pick(calls) }, error };
    }
    case "lost-answer":
      return { match: { ...(dice.chance(0.5) && place), call: dice.pick(lostCalls) }, count: dice.int(1, 6) };
    case "lose-event":
    case "duplicate-event":
      return { match: { detailType: dice.pick(detailTypes) } };
    case "delay-event":
      return { match: { detailType: dice.pick(detailTypes) }, delaySeconds: dice.int(1, 600) };
    case "lambda-crash":
      return {
        match: {
          ...(dice.chance(0.8) && { function: dice.pick(functionNames) }),
          ...(dice.chance(0.6) && { call: dice.pick(calls) }),
        },
        when: dice.pick(["before", "after"]),
        skip: dice.int(0, 6),
        ...(dice.chance(0.8) && { count: dice.int(1, 3) }),
      };
    case "lambda-service-error":
      return {
        match: dice.chance(0.8) ? { function: dice.pick(steps) } : {},
        error: dice.pick(lambdaServiceErrors),
        when: dice.pick(["before", "after"]),
        skip: dice.int(0, 6),
        ...(dice.chance(0.8) && { count: dice.int(1, 3) }),
      };
    case "kubernetes-down":
    case "continue-expired":
    case "several-gateways":
    case "no-workload-entry":
    case "unlabeled-entries":
    case "no-redirection":
    case "other-entries":
      return { match: { controlPlane: dice.pick(ground.controlPlanes) } };
    case "namespace-terminating": {
      const namespace = dice.pick([`team-${service}`, "team-0", "team-*"]);
      return { match: { controlPlane: dice.pick(ground.controlPlanes), namespace } };
    }
    case "slack-down":
      return {};
    case "slack-error":
      return {
        match: { call: dice.pick(slackCalls) },
        error: dice.pick(slackErrors),
        when: dice.pick(["before", "after"]),
      };
    case "slack-rate-limited":
      return { match: { call: dice.pick(slackCalls) }, delaySeconds: dice.pick([1, 5, 30]) };
    case "slack-bad-gateway":
      return { match: { call: dice.pick(slackCalls) }, when: dice.pick(["before", "after"]), count: dice.int(1, 5) };
    case "slow-call":
      return {
        match: dice.chance(0.2) ? {} : { call: dice.pick([...calls, "kubernetes.*", "slack.*", "lambda.Invoke"]) },
        when: dice.pick(["before", "after"]),
        delaySeconds: dice.pick([1, 3, 10, 25]),
        count: dice.int(1, 20),
      };
    case "region-down":
      return { match: dice.chance(0.3) ? { ...place, call: dice.pick(awsCalls) } : place };
  }
}

/** Pipelines that register in the same families. */
const concurrentRegistration: Partial<Fault> = {
  match: { call: "ecs.RegisterTaskDefinition" },
  error: "ClientException",
  message: "Too many concurrent attempts to create a new revision of the specified family.",
};

/** A rule in one line. */
export function inWords({ kind, match, count, skip, when, untilMs }: Fault, nowMs: number): string {
  const minutes = untilMs === undefined ? undefined : Math.round((untilMs - nowMs) / 60_000);
  const details = [
    ...Object.entries(match ?? {}).map(([key, value]) => `${key} ${value}`),
    ...(count === undefined ? [] : [`${count} times`]),
    ...(skip ? [`after ${skip}`] : []),
    ...((kind === "lambda-crash" || kind === "lambda-service-error") && when ? [when] : []),
    ...(minutes === undefined ? [] : [`for ${minutes} min`]),
  ];
  return `${kind}: ${details.join(", ")}`;
}
