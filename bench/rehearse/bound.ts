import type { Config } from "../../shared/config/config.ts";
import { targetsOf } from "../../shared/config/config.ts";
import type { RolloutPolicy } from "../../shared/config/rollout-policy.ts";
import type { Lane, Rollout } from "../../shared/model/rollout.ts";
import { type CallRate, REGISTER, resolvedPolicy } from "../../shared/rollout/pace.ts";
import { cutWaves } from "../../shared/rollout/waves.ts";

/** The shortest possible time of a rollout, as AWS's quotas allow, in seconds. */
export interface QuotaBound {
  /** The time until the last revision can be registered in the account and region with the most services. */
  readonly registerSeconds: number;
  /** The observed median of one deployment. */
  readonly deploymentSeconds: number;
  readonly seconds: number;
}

/** Seconds until ECS accepts the last of `calls` calls, starting with a full bucket. */
export function quotaSeconds(calls: number, { intervalMs, burst }: CallRate): number {
  return (Math.max(0, calls - burst) * intervalMs) / 1000;
}

/**
 * The rollout's quota bound: every service needs one RegisterTaskDefinition, whose bucket is per account and region,
 * and the last service needs a deployment after that.
 */
export function quotaBound(rollout: Rollout, deploymentSeconds: number): QuotaBound {
  const byPlace = Map.groupBy(
    rollout.waves.flatMap(({ lanes }) => lanes),
    ({ account, region }) => `${account}/${region}`,
  );
  const sizes = [...byPlace.values()].map((lanes) => lanes.reduce((sum, lane) => sum + sizeOf(lane), 0));
  const registerSeconds = quotaSeconds(Math.max(0, ...sizes), REGISTER);
  return { registerSeconds, deploymentSeconds, seconds: registerSeconds + deploymentSeconds };
}

/**
 * How long a rollout of another size takes with the same policy, in seconds. It is computed from a simulated rollout:
 * from the time that a round of `concurrency` rolls took, and the bake times.
 */
export function computedSeconds(simulated: Rollout, config: Config, services: number): number {
  const policy = config.policy.rollout;
  const resolved = resolvedPolicy(simulated, policy);
  const bakeSeconds = resolved.bakeMinutes * 60;
  const rolled = simulated.waves.map(
    ({ startedAt = "", finishedAt = "" }) => seconds(startedAt, finishedAt) - bakeSeconds,
  );
  const rounds = simulated.waves.map(({ lanes }) => roundsOf(lanes, resolved.concurrency));
  const roundSeconds = sum(rolled) / Math.max(1, sum(rounds));
  return wavesOf(config, policy, services).reduce((total, lanes) => {
    const quota = Math.max(0, ...lanes.map((lane) => quotaSeconds(sizeOf(lane), REGISTER)));
    const rolling = Math.max(roundsOf(lanes, resolved.concurrency) * roundSeconds, quota + roundSeconds);
    return total + rolling + bakeSeconds;
  }, 0);
}

/** The lanes of every wave for `services` services, spread evenly over the configuration's regions. */
function wavesOf(config: Config, policy: RolloutPolicy, services: number): readonly (readonly Lane[])[] {
  const targets = targetsOf(config);
  const candidates = Array.from({ length: services }, (_, number) => {
    const { account = "", region = "" } = targets[number % targets.length] ?? {};
    const serviceArn = `arn:aws:ecs:${region}:${account}:service/fleet/service-${number}`;
    return { serviceArn, account, region, canary: false };
  });
  const regionOrder = targets.map(({ region }) => region);
  return cutWaves(candidates, policy, regionOrder).waves.map(({ lanes }) => lanes);
}

function roundsOf(lanes: readonly Lane[], concurrency: number): number {
  return Math.max(0, ...lanes.map((lane) => (concurrency === 0 ? 1 : Math.ceil(sizeOf(lane) / concurrency))));
}

function sizeOf({ first, last }: Pick<Lane, "first" | "last">): number {
  return last - first + 1;
}

/** Seconds between two times. NaN if a time can't be parsed. */
export function seconds(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
