import type { JsonObject } from "../../shared/base/json.ts";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import type { RandomChoice } from "./random-choice.ts";

const HOME_ACCOUNT = "123456789012";
const MEMBER_ACCOUNT = "210987654321";
const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"];

export const IMAGE = "example.com/ztunnel:1.28.1";
/** Images that work, one that never gets healthy, and one that does not in the last region. */
export const images = {
  good: ["example.com/ztunnel:1.28.2", "example.com/ztunnel:1.28.3", "example.com/ztunnel:1.29.0"],
  bad: "example.com/ztunnel:0.0.0-bad",
  badInOneRegion: "example.com/ztunnel:0.0.0-regional",
} as const;
/** An application whose container stops at once. */
export const BAD_APPLICATION = "shop/broken:1";
export const IMAGE_PARAMETER = "/mesh/ztunnel-image";
export const ALARM = "mesh-errors";

/** A small world: its configuration, when it begins, and how many services are in the mesh from the start. */
export interface CampaignFleet {
  readonly config: Config;
  readonly startMs: number;
  readonly enrolled: number;
  readonly servicesPerIdentity: number;
  /** Services that are there and not in the mesh. */
  readonly others: number;
  readonly throttling: boolean;
  readonly cloudTrail: boolean;
  readonly duplicateProbability: number;
  /** For how long people work and things go wrong. */
  readonly chaosMinutes: number;
}

/** A world that the dice decide. */
export function campaignFleet(dice: RandomChoice): CampaignFleet {
  const regions = REGIONS.slice(0, dice.int(1, 3));
  const accounts = dice.int(1, 2);
  const places = regions.map((region, index) => ({
    account: accounts === 2 && index > 0 ? MEMBER_ACCOUNT : HOME_ACCOUNT,
    region,
  }));
  // Both accounts in one region, at times.
  if (accounts === 2 && (regions.length === 1 || dice.chance(0.3)))
    places.push({ account: MEMBER_ACCOUNT, region: regions[0] ?? "us-east-1" });
  const planes = places.length > 1 ? dice.int(1, 2) : 1;
  const configured = {
    homeRegion: regions[0] ?? "us-east-1",
    homeAccount: HOME_ACCOUNT,
    accounts: [...grouped(places)].map(([account, own]) => ({
      role: `arn:aws:iam::${account}:role/istiod-role`,
      domain: "ecs.internal",
      regions: own,
    })),
    controlPlanes: Array.from({ length: planes }, (_, nth) => ({
      name: `mesh-${nth + 1}`,
      eks: { cluster: `mesh-${nth + 1}`, region: regions[0] ?? "us-east-1", account: HOME_ACCOUNT },
      serves: [...grouped(places.filter((__, index) => index % planes === nth))].map(([account, own]) => ({
        account,
        regions: own,
      })),
    })),
    ztunnel: { image: IMAGE, ...(dice.chance(0.6) && { imageParameter: IMAGE_PARAMETER }) },
    slack: { secretName: "slack", channel: "#mesh-ops" },
    allowedNamespaces: ["istio-system", "team-*"],
    policy: policyOf(dice),
  };
  const config = parseConfig(configured);
  return {
    config,
    // Any minute of a week: freeze windows open by the clock.
    startMs: Date.parse("2026-12-07T00:00:00Z") + dice.int(0, 7 * 1440 - 1) * 60_000,
    enrolled: dice.int(2, 5),
    servicesPerIdentity: dice.int(1, 3),
    others: dice.int(1, 2),
    throttling: dice.chance(0.5),
    cloudTrail: dice.chance(0.3),
    duplicateProbability: dice.chance(0.3) ? 0.2 : 0,
    chaosMinutes: dice.int(10, 45),
  };
}

function policyOf(dice: RandomChoice): JsonObject {
  const freezes = dice.chance(0.25);
  return {
    inFlight: dice.pick(["replace", "replace", "wait"]),
    deploymentDeadlineMinutes: dice.pick([8, 15, 30]),
    pollIntervalMinutes: dice.pick([2, 5]),
    failedTasksLimit: dice.int(2, 3),
    verifyDeadlineMinutes: dice.pick([4, 10]),
    attemptDelaysMinutes: dice.pick([[5, 15], [15], [10, 30, 60]]),
    maxUnenrollPerSweep: dice.int(1, 5),
    maxRollsPerSweep: dice.pick([2, 5, 50]),
    rollout: {
      canaryCount: dice.int(0, 3),
      waves: dice.pick([[100], [50, 100], [10, 50, 100]]),
      concurrency: dice.int(0, 3),
      bakeMinutes: dice.pick([0, 1, 5]),
      approveAfterCanary: dice.chance(0.2),
      failureBudget: dice.pick([
        {},
        { perWave: { count: 0 } },
        { perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } },
        { inAll: { count: 1 } },
        { perWave: { percent: 100 } },
      ]),
      ...(freezes && {
        freezeWindows: [
          { cron: `0 ${dice.pick(["*/3", "*/6", "8", "20"])} * * *`, durationMinutes: dice.pick([20, 60, 120]) },
        ],
      }),
      ...(dice.chance(0.6) && { alarms: [{ name: ALARM }] }),
      ...(dice.chance(0.4) && { emergency: {} }),
    },
  };
}

function grouped(places: readonly { readonly account: string; readonly region: string }[]): Map<string, string[]> {
  const regions = new Map<string, string[]>();
  for (const { account, region } of places) regions.set(account, [...(regions.get(account) ?? []), region]);
  return regions;
}
