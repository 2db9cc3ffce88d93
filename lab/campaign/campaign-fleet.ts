import type { JsonObject } from "../../shared/base/json.ts";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import type { RandomChoice } from "./random-choice.ts";

const HOME_ACCOUNT = "123456789012";
const MEMBER_ACCOUNT = "210987654321";
const REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-2"];

export const IMAGE = "example.com/ztunnel:1.28.1";
/** Images that work, one that never becomes healthy, and one that doesn't become healthy in the last region. */
export const images = {
  good: ["example.com/ztunnel:1.28.2", "example.com/ztunnel:1.28.3", "example.com/ztunnel:1.29.0"],
  bad: "example.com/ztunnel:0.0.0-bad",
  badInOneRegion: "example.com/ztunnel:0.0.0-regional",
} as const;
/** An application whose container stops right after its start. */
export const BAD_APPLICATION = "shop/broken:1";
export const IMAGE_PARAMETER = "/mesh/ztunnel-image";
export const ALARM = "mesh-errors";

/** A small fleet: its configuration, its start time, and how many services are enrolled from the start. */
export interface CampaignFleet {
  readonly config: Config;
  readonly startMs: number;
  readonly enrolled: number;
  readonly servicesPerIdentity: number;
  /** How many services exist and are not enrolled. */
  readonly others: number;
  readonly throttling: boolean;
  readonly cloudTrail: boolean;
  readonly duplicateProbability: number;
  /** For how long there are random actions and faults. */
  readonly chaosMinutes: number;
}

/** A random fleet. */
export function campaignFleet(random: RandomChoice): CampaignFleet {
  const regions = REGIONS.slice(0, random.int(1, 3));
  const accounts = random.int(1, 2);
  const places = regions.map((region, index) => ({
    account: accounts === 2 && index > 0 ? MEMBER_ACCOUNT : HOME_ACCOUNT,
    region,
  }));
  // Some fleets have both accounts in one region.
  if (accounts === 2 && (regions.length === 1 || random.chance(0.3)))
    places.push({ account: MEMBER_ACCOUNT, region: regions[0] ?? "us-east-1" });
  const planes = places.length > 1 ? random.int(1, 2) : 1;
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
    ztunnel: { image: IMAGE, ...(random.chance(0.6) && { imageParameter: IMAGE_PARAMETER }) },
    slack: { secretName: "slack", channel: "#mesh-ops" },
    allowedNamespaces: ["istio-system", "team-*"],
    policy: policyOf(random),
  };
  const config = parseConfig(configured);
  return {
    config,
    // Any minute of a week, because freeze windows depend on the time.
    startMs: Date.parse("2026-12-07T00:00:00Z") + random.int(0, 7 * 1440 - 1) * 60_000,
    enrolled: random.int(2, 5),
    servicesPerIdentity: random.int(1, 3),
    others: random.int(1, 2),
    throttling: random.chance(0.5),
    cloudTrail: random.chance(0.3),
    duplicateProbability: random.chance(0.3) ? 0.2 : 0,
    chaosMinutes: random.int(10, 45),
  };
}

function policyOf(random: RandomChoice): JsonObject {
  const freezes = random.chance(0.25);
  return {
    inFlight: random.pick(["replace", "replace", "wait"]),
    deploymentDeadlineMinutes: random.pick([8, 15, 30]),
    pollIntervalMinutes: random.pick([2, 5]),
    failedTasksLimit: random.int(2, 3),
    verifyDeadlineMinutes: random.pick([4, 10]),
    attemptDelaysMinutes: random.pick([[5, 15], [15], [10, 30, 60]]),
    maxUnenrollPerSweep: random.int(1, 5),
    maxRollsPerSweep: random.pick([2, 5, 50]),
    sharedFamilies: random.chance(0.6),
    sharedRoles: random.pick(["refuse", "refuse", "warn"]),
    taskTags: random.pick(["deploy", "tag", "next-deployment"]),
    labelNamespaces: random.chance(0.3),
    verify: random.pick(["strict", "strict", "name-only"]),
    rollout: {
      canaryCount: random.int(0, 3),
      waves: random.pick([[100], [50, 100], [10, 50, 100]]),
      concurrency: random.int(0, 3),
      bakeMinutes: random.pick([0, 1, 5]),
      approveAfterCanary: random.chance(0.2),
      failureBudget: random.pick([
        {},
        { perWave: { count: 0 } },
        { perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } },
        { inAll: { count: 1 } },
        { perWave: { percent: 100 } },
      ]),
      ...(freezes && {
        freezeWindows: [
          { cron: `0 ${random.pick(["*/3", "*/6", "8", "20"])} * * *`, durationMinutes: random.pick([20, 60, 120]) },
        ],
      }),
      ...(random.chance(0.6) && { alarms: [{ name: ALARM }] }),
      ...(random.chance(0.4) && { emergency: {} }),
    },
  };
}

function grouped(places: readonly { readonly account: string; readonly region: string }[]): Map<string, string[]> {
  const regions = new Map<string, string[]>();
  for (const { account, region } of places) regions.set(account, [...(regions.get(account) ?? []), region]);
  return regions;
}
