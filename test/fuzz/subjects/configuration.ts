import fc from "fast-check";
import autopilotConfig from "../../../autopilot.config.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import { controlPlaneFor, parseConfig, targetsOf } from "../../../shared/config/config.ts";
import { parseCron } from "../../../shared/config/cron.ts";
import { freezeProblems, openWindow } from "../../../shared/config/freeze.ts";
import { LONGEST_ENDING, resourceNames } from "../../../shared/config/names.ts";
import { operatorStatements } from "../../../shared/config/operator-policy.ts";
import { settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import { eventPatterns } from "../../../stacks/definitions/event-patterns.ts";
import { deploymentOf, patternOptionsOf } from "../../../stacks/deployment.ts";
import { altered } from "./altered.ts";
import { answered, hold, type Subject, subject } from "./subject.ts";

const HOME = "123456789012";
const written: JsonObject = JSON.parse(
  JSON.stringify({
    ...autopilotConfig,
    operatorRoles: [`arn:aws:iam::${HOME}:role/ops`],
    passRoles: ["ecs/*"],
    vpc: { subnetIds: ["subnet-0a"], securityGroupIds: ["sg-0a"] },
    rootCaSecret: "ca",
    identityRole: "task",
    enrollTagKey: "mesh/enroll",
    memberRoleName: "mesh/member",
    ztunnel: {
      image: "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless",
      allowedImages: ["us-docker.pkg.dev/*"],
      imageParameter: "/a/b",
      startTimeoutSeconds: 100,
      memoryReservationMiB: 128,
      environment: { RUST_LOG: "info" },
      logs: { "us-east-1": "/ecs/ztunnel" },
    },
    policy: {
      deploymentDeadlineMinutes: 30,
      pollIntervalMinutes: 5,
      verifyDeadlineMinutes: 10,
      attemptDelaysMinutes: [15, 60],
      leaseMinutes: 200,
      failedTasksLimit: 3,
      minHeadroom: { cpuUnits: 1, memoryMiB: 1 },
      rollout: {
        canaryCount: 1,
        waves: [10, 100],
        bakeMinutes: 1,
        failureBudget: { perWave: { count: 1, percent: 3 }, inAll: { percent: 1 } },
        freezeWindows: [{ cron: "0 18 * * FRI", durationMinutes: 60, timeZone: "Europe/Berlin" }],
        alarms: [{ name: "a", account: HOME, region: "us-east-1" }],
        emergency: { waves: [100], bakeMinutes: 0 },
        retentionDays: 9,
      },
    },
  }),
);

const NOW_MS = Date.parse("2026-11-20T00:00:00Z");
const MINUTE_MS = 60_000;

/** Whole milliseconds that have a date, as the ledger's items need them. */
function hasDate(minutesFromNow: number): boolean {
  const atMs = NOW_MS + minutesFromNow * MINUTE_MS;
  return Number.isSafeInteger(atMs) && !Number.isNaN(new Date(atMs).getTime());
}

const part = (max: number) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max }).map(String) },
    { weight: 6, arbitrary: fc.constantFrom("*", "*", "*/2", "1-5/2", "1,2", "2-3") },
    { weight: 1, arbitrary: fc.constantFrom("MON-FRI", "L", "?", "", "DEC", "1-0", "-1", "*/0", "99", "#2") },
  );

/** What the platform's team writes: the configuration, and when nothing may be rolled out. */
export const configurationSubjects: readonly Subject[] = [
  subject({
    name: "the configuration",
    inputs: fc.record({ input: altered(written), stage: fc.constantFrom(undefined, "prod", "dev", "a-b", "../x") }),
    cost: 3,
    answer: ({ input, stage }) =>
      answered(["invalid-config"], () => {
        const config = parseConfig(input, stage);
        const { policy, name } = config;
        hold("all times have a date", [policy.leaseMinutes, ...policy.attemptDelaysMinutes].every(hasDate));
        hold("names fit", stage === undefined || `${name}-${stage}${LONGEST_ENDING}`.length <= 64);
        for (const target of targetsOf(config)) controlPlaneFor(config, target);
        settingsHash(config);
        openWindow(policy.rollout.freezeWindows, NOW_MS);
        operatorStatements(config, resourceNames(config, stage));
        deploymentOf(config, stage);
        eventPatterns(patternOptionsOf(config, stage));
        hold("it is the same a second time", JSON.stringify(parseConfig(input, stage)) === JSON.stringify(config));
      }),
  }),
  subject({
    name: "cron",
    inputs: fc.record({
      cron: fc.oneof(
        fc.tuple(part(59), part(23), part(31), part(12), part(7)).map((parts) => parts.join(" ")),
        fc.string({ maxLength: 30 }),
      ),
      timeZone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Mars/Olympus", ""),
      durationMinutes: fc.constantFrom(1, 60, 1440, 44_640),
      nowMs: fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }).map(Number),
    }),
    answer: ({ nowMs, ...window }) => {
      if (freezeProblems(window).length > 0) return "refused";
      const parsed = parseCron(window.cron);
      hold("what has no problems has times", "times" in parsed);
      const open = openWindow([window], nowMs);
      if (!open) return "closed";
      hold("it ends later", open.until > nowMs);
      return "open";
    },
  }),
];
