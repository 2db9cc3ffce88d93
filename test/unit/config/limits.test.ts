import { describe, expect, it } from "vitest";
import autopilotConfig from "../../../autopilot.config.ts";
import { type ConfigInput, parseConfig } from "../../../shared/config/config.ts";

const HOME = "123456789012";

const policy = (changes: ConfigInput["policy"]): Partial<ConfigInput> => ({ policy: changes });
const rollout = (changes: NonNullable<ConfigInput["policy"]>["rollout"]) => policy({ rollout: changes });
const windows = (...freezeWindows: readonly { cron: string; durationMinutes: number; timeZone?: string }[]) =>
  rollout({ freezeWindows: [...freezeWindows] });
const account = (changes: Partial<ConfigInput["accounts"][number]>): Partial<ConfigInput> => ({
  accounts: autopilotConfig.accounts.map((one, index) => (index === 0 ? { ...one, ...changes } : one)),
});
const role = (path: string, partition = "aws") => `arn:${partition}:iam::${HOME}:role/${path}`;

/** Refused when it is read: before anything is deployed. */
const refused: readonly (readonly [field: string, what: string, changes: Partial<ConfigInput>])[] = [
  ["accounts[0].role", "a role's name that IAM refuses", account({ role: role("x".repeat(65)) })],
  ["accounts[0].role", "a path that IAM refuses", account({ role: role("a//b") })],
  ["accounts[0].role", "a role of another partition than its region", account({ role: role("x", "aws-cn") })],
  ["accounts[0].regions", "a region of another partition than the home region", account({ regions: ["cn-north-1"] })],
  ["accounts[0].domain", "an empty label", account({ domain: "a..b" })],
  ["accounts[0].domain", "a label with a hyphen at its edge", account({ domain: "a.-b" })],
  ["accounts[0].domain", "a label of 64 characters", account({ domain: "a".repeat(64) })],
  ["accounts[0].domain", "more than a DNS name has", account({ domain: `${"a.".repeat(126)}ab` })],
  ["memberRoleName", "a role's name that IAM refuses", { memberRoleName: "m".repeat(65) }],
  ["memberRoleName", "a path that IAM refuses", { memberRoleName: "/a/b" }],
  ["memberRoleName", "no name behind its path", { memberRoleName: "///" }],
  ["enrollTagKey", "a prefix that AWS reserves", { enrollTagKey: "aws:mesh" }],
  ["enrollTagKey", "characters that no tag has", { enrollTagKey: "a<b>" }],
  ["enrollTagKey", "blanks alone", { enrollTagKey: " " }],
  ["enrollTagKey", "another tag's key", { enrollTagKey: "ztunnel-autopilot/external" }],
  ["enrollTagKey", "a key that is istiod's", { enrollTagKey: "ecs.solo.io/namespace" }],
  ["allowedNamespaces[0]", "a namespace that Kubernetes refuses", { allowedNamespaces: ["UPPER*"] }],
  ["allowedNamespaces[0]", "a * elsewhere than at the end", { allowedNamespaces: ["a*b"] }],
  ["slack.secretName", "a secret's name that AWS refuses", { slack: { secretName: "a b", channel: "#ops" } }],
  ["slack.channel", "blanks alone", { slack: { secretName: "slack", channel: " " } }],
  ["rootCaSecret", "a secret's name that AWS refuses", { rootCaSecret: "s".repeat(513) }],
  ["ztunnel.memoryReservationMiB", "more than a task has", ztunnel({ memoryReservationMiB: 1e9 })],
  [
    "ztunnel.healthCheckCommand",
    "a command that fits no task definition",
    ztunnel({ healthCheckCommand: Array(10_000).fill("x") }),
  ],
  ...(["deploymentDeadlineMinutes", "verifyDeadlineMinutes", "pollIntervalMinutes", "leaseMinutes"] as const).map(
    (field) =>
      [
        `policy.${field}`,
        "a fraction of a minute",
        policy({ [field]: field === "leaseMinutes" ? 400 / 3 : 100 / 3 }),
      ] as const,
  ),
  ["policy.attemptDelaysMinutes[1]", "a fraction of a minute", policy({ attemptDelaysMinutes: [1, 2.5] })],
  ["policy.attemptDelaysMinutes", "delays that fall", policy({ attemptDelaysMinutes: [60, 15] })],
  [
    "policy.attemptDelaysMinutes",
    "more delays than attempts are remembered",
    policy({ attemptDelaysMinutes: Array(1000).fill(1) }),
  ],
  [
    "policy.pollIntervalMinutes",
    "longer than the deployment's deadline",
    policy({ pollIntervalMinutes: 60, deploymentDeadlineMinutes: 30 }),
  ],
  [
    "policy.failedTasksLimit",
    "more tasks than a service starts",
    policy({ failedTasksLimit: Number.MAX_SAFE_INTEGER }),
  ],
  ["policy.minHeadroom.cpuUnits", "more than a task has", policy({ minHeadroom: { cpuUnits: 1e308, memoryMiB: 1 } })],
  [
    "policy.maxRollsPerSweep",
    "more than an account has services",
    policy({ maxRollsPerSweep: Number.MAX_SAFE_INTEGER }),
  ],
  ["policy.rollout.bakeMinutes", "a fraction of a minute", rollout({ bakeMinutes: 0.5 })],
  ["policy.rollout.emergency.bakeMinutes", "longer than a week", rollout({ emergency: { bakeMinutes: 1e5 } })],
  [
    "policy.rollout.waves",
    "more waves than anybody watches",
    rollout({ waves: Array.from({ length: 1000 }, (_, i) => (i + 1) / 10) }),
  ],
  ["policy.rollout.alarms[0].name", "blanks alone", rollout({ alarms: [{ name: " " }] })],
  ["policy.rollout.freezeWindows", "every minute of the year", windows({ cron: "* * * * *", durationMinutes: 1 })],
  ["policy.rollout.freezeWindows", "a month every day", windows({ cron: "0 0 * * *", durationMinutes: 44_640 })],
  [
    "policy.rollout.freezeWindows",
    "days and nights",
    windows({ cron: "0 6 * * *", durationMinutes: 720 }, { cron: "0 18 * * *", durationMinutes: 720 }),
  ],
  [
    "policy.rollout.freezeWindows",
    "more windows than can be read every minute",
    windows(...Array.from({ length: 21 }, () => ({ cron: "0 6 * * *", durationMinutes: 1 }))),
  ],
  [
    "policy.rollout.freezeWindows[0].cron",
    "a day that there is not",
    windows({ cron: "0 0 31 2 *", durationMinutes: 1 }),
  ],
  [
    "policy.rollout.freezeWindows[0].timeZone",
    "an offset in place of a zone",
    windows({ cron: "0 0 * * *", durationMinutes: 1, timeZone: "+05:30" }),
  ],
];

describe("a configuration is refused, and the error names the field, for", () => {
  it.each(refused)("%s: %s", (field, _what, changes) => {
    expect(() => parseConfig({ ...autopilotConfig, ...changes })).toThrow(
      expect.objectContaining({ code: "invalid-config", detail: expect.stringContaining(field) }),
    );
  });
});

describe("a configuration is taken with", () => {
  it.each<[string, Partial<ConfigInput>]>([
    ["a member role with a path", { memberRoleName: "platform/mesh/member" }],
    ["a role with a path", account({ role: role(`service-role/mesh/${"x".repeat(64)}`) })],
    ["another enroll tag", { enrollTagKey: "mesh.example.com/on" }],
    ["a secret by its ARN", { rootCaSecret: `arn:aws:secretsmanager:us-east-1:${HOME}:secret:ca-AbCdEf` }],
    ["a namespace and a pattern", { allowedNamespaces: ["shop", "team-*", "*"] }],
    ["equal delays", policy({ attemptDelaysMinutes: [15, 15, 60] })],
    ["a freeze over December", windows({ cron: "0 0 1 DEC *", durationMinutes: 44_640 })],
    [
      "nights and weekends frozen",
      windows({ cron: "0 18 * * *", durationMinutes: 900 }, { cron: "0 0 * * SAT", durationMinutes: 2880 }),
    ],
  ])("%s", (_what, changes) => {
    expect(() => parseConfig({ ...autopilotConfig, ...changes })).not.toThrow();
  });
});

describe("a name and a stage", () => {
  const parsed = (name: string, stage: string) => () => parseConfig({ ...autopilotConfig, name }, stage);

  it("leave room for the longest of the names that begin with them", () => {
    expect(parsed("a".repeat(20), "b".repeat(17))).not.toThrow();
    expect(parsed("a".repeat(20), "b".repeat(18))).toThrow(
      expect.objectContaining({
        code: "invalid-config",
        detail: expect.stringMatching(/^name and stage are too long .* 65 .* 64$/),
      }),
    );
  });

  it.each(["", "a b", "../x", "é", "a_b", "x".repeat(40)])("make names that AWS takes, unlike %j", (stage) => {
    expect(parsed("mesh", stage)).toThrow(expect.objectContaining({ code: "invalid-config" }));
  });
});

function ztunnel(changes: Partial<ConfigInput["ztunnel"]>): Partial<ConfigInput> {
  return { ztunnel: { ...autopilotConfig.ztunnel, ...changes } };
}
