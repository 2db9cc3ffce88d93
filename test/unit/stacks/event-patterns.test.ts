import { compilePattern } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../../../shared/base/json.ts";
import { autopilotDetailTypes, DISCOVERY_TAG, tagKeys } from "../../../shared/base/vocabulary.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import type { BusEvent } from "../../../shared/ports/ports.ts";
import { eventPatterns, schedules } from "../../../stacks/definitions/event-patterns.ts";
import { eventFixtureNames, eventFixture as fixture } from "../../support/event-fixtures.ts";
import { all } from "../../support/outgoing-samples.ts";

const enrollTagKey = "ztunnel-autopilot/enroll";
const homeAccount = "123456789012";
const rules = eventPatterns({
  homeAccount,
  enrollTagKey,
  imageParameterName: "/ztunnel-autopilot/image",
  rootCaSecret: "mesh/root-ca",
  alarmNamePrefix: "ztunnel-autopilot-prod-",
});

/** The event with other members in its detail; undefined takes a member away. */
function withDetail(event: JsonObject, members: Readonly<Record<string, unknown>>): JsonObject {
  const { detail } = event;
  const merged: unknown = JSON.parse(JSON.stringify({ ...(isJsonObject(detail) ? detail : {}), ...members }));
  if (!isJsonObject(merged)) throw new TypeError("no detail");
  return { ...event, detail: merged };
}

function matching(all: readonly { readonly name: string; readonly pattern: unknown }[], event: JsonObject): string[] {
  return all.filter(({ pattern }) => compilePattern(pattern)(event)).map(({ name }) => name);
}

/** Every sample event with the rules that match it: on a target region's default bus, and on the home bus. */
const samples: Readonly<Record<string, { readonly forwarded: readonly string[]; readonly home: readonly string[] }>> = {
  "deployment-in-progress": {
    forwarded: ["deployment-changed"],
    home: ["deployment-started-or-completed", "deployment-changed"],
  },
  "deployment-completed": {
    forwarded: ["deployment-changed"],
    home: ["deployment-started-or-completed", "deployment-changed"],
  },
  "deployment-failed": { forwarded: ["deployment-changed"], home: ["deployment-changed"] },
  "task-stopped": { forwarded: ["mesh-task-stopped"], home: ["mesh-task-stopped", "mesh-task-failed"] },
  "tag-changed-on-service": { forwarded: ["tag-changed"], home: ["tag-changed"] },
  "tag-changed-on-cluster": { forwarded: ["tag-changed"], home: ["tag-changed"] },
  "create-service-called": { forwarded: ["service-api-called"], home: ["service-api-called"] },
  "update-service-called": { forwarded: ["service-api-called"], home: ["service-api-called"] },
  "tag-resource-called": { forwarded: ["service-api-called"], home: ["service-api-called"] },
  "untag-resource-called": { forwarded: ["service-api-called"], home: ["service-api-called"] },
  "image-parameter-changed": { forwarded: ["image-parameter-changed"], home: ["image-parameter-changed"] },
  "service-enrolled": { forwarded: [], home: ["roll-ended", "news-for-people"] },
  "service-roll-superseded": { forwarded: [], home: ["roll-superseded", "news-for-people"] },
  "service-refused": { forwarded: [], home: ["news-for-people"] },
  "service-updated-in-rollout": { forwarded: [], home: [] },
  "service-updated-recheck-requested": { forwarded: [], home: ["roll-ended"] },
  "service-superseded-in-rollout": { forwarded: [], home: [] },
  "service-roll-failed-in-rollout": { forwarded: [], home: ["roll-ended", "news-for-people"] },
  "service-refused-in-rollout": { forwarded: [], home: ["news-for-people"] },
  "root-ca-changed": { forwarded: [], home: ["news-for-people", "root-ca-changed"] },
  "root-ca-stage": { forwarded: [], home: ["news-for-people"] },
  "root-ca-retirable": { forwarded: [], home: ["news-for-people"] },
  "mesh-gateway-ambiguous": { forwarded: [], home: ["news-for-people"] },
  "release-requested": { forwarded: [], home: ["release-requested"] },
  "ledger-restored": { forwarded: [], home: ["news-for-people"] },
  "services-orphaned": { forwarded: [], home: ["news-for-people"] },
  "mesh-identity-warned": { forwarded: [], home: ["news-for-people"] },
  "mesh-shape-unknown": { forwarded: [], home: ["news-for-people"] },
  "root-ca-expiring": { forwarded: [], home: ["news-for-people"] },
  "rollout-started": { forwarded: [], home: ["rollout-news"] },
  "rollout-refused": { forwarded: [], home: ["news-for-people"] },
  "rollout-wave-completed": { forwarded: [], home: ["rollout-news"] },
  "rollout-paused": { forwarded: [], home: ["rollout-news"] },
  "rollout-completed": { forwarded: [], home: ["rollout-news"] },
  "rollout-rolled-back": { forwarded: [], home: ["rollout-news"] },
  "rollout-requested": { forwarded: [], home: ["rollout-requested"] },
  "rollout-controlled": { forwarded: [], home: ["rollout-controlled"] },
  "root-ca-rotated": { forwarded: [], home: ["root-ca-rotated"] },
  "alarm-went-off": { forwarded: ["alarm-changed"], home: ["alarm-changed"] },
  "root-ca-secret-changed": { forwarded: ["root-ca-secret-changed"], home: ["root-ca-secret-changed"] },
};

describe("event patterns", () => {
  it("has a sample event for every rule, and rules for every sample event", () => {
    expect([...eventFixtureNames].sort()).toEqual(Object.keys(samples).sort());
    const matched = new Set(Object.values(samples).flatMap(({ forwarded, home }) => [...forwarded, ...home]));
    expect([...matched].sort()).toEqual(rules.homeRules.map(({ name }) => name).sort());
  });

  it.each(Object.entries(samples))("%s is matched by exactly its rules", (name, expected) => {
    const event = fixture(name);
    expect({ forwarded: matching(rules.forwardedRules, event), home: matching(rules.homeRules, event) }).toEqual(
      expected,
    );
  });

  it.each([
    ["service-refused", {}, ["roll-ended", "news-for-people"]],
    ["service-refused-in-rollout", {}, ["roll-ended", "news-for-people"]],
    ["service-superseded-in-rollout", { reason: "already-as-desired" }, ["roll-ended"]],
  ])("%s is also read for a recheck where something has requested one", (name, change, home) => {
    const event = withDetail(fixture(name), { ...change, recheckRequested: true });
    expect(matching(rules.homeRules, event)).toEqual(home);
  });

  /** The functions that read services, deployments and root CAs. */
  const readers = ["reconcile-service", "signal-deployment", "watch-root-ca", "sweep-services"];
  const read = rules.homeRules.filter(({ functions }) => functions.some((name) => readers.includes(name)));

  it.each(Object.keys(samples).filter((name) => matching(read, fixture(name)).length > 0))(
    "%s, once it is delivered, is an event that the functions know to read",
    (name) => {
      expect(parseIncoming(fixture(name)).kind).not.toBe("ignored");
    },
  );

  const task = fixture("task-stopped");
  const tag = fixture("tag-changed-on-service");
  const create = fixture("create-service-called");
  const alarm = fixture("alarm-went-off");
  const nearMisses: readonly (readonly [string, JsonObject])[] = [
    [
      "a deployment event of an unknown name",
      withDetail(fixture("deployment-failed"), { eventName: "SERVICE_DEPLOYMENT_PAUSED" }),
    ],
    ["a deployment event of another source", { ...fixture("deployment-failed"), source: "my.ecs" }],
    ["a service action", { ...fixture("deployment-completed"), "detail-type": "ECS Service Action" }],
    ["a task that runs", withDetail(task, { lastStatus: "RUNNING" })],
    ["a stopped task that belongs to no service", withDetail(task, { group: "family:shell" })],
    ["a stopped task without ztunnel", withDetail(task, { containers: [{ name: "shell", lastStatus: "STOPPED" }] })],
    ["a tag that is not ours", withDetail(tag, { "changed-tag-keys": ["team", "ztunnel-autopilot"] })],
    ["a tag of another AWS service", withDetail(tag, { service: "ec2" })],
    [
      "a tag of a task definition",
      { ...tag, resources: ["arn:aws:ecs:us-east-1:111122223333:task-definition/shell:1"] },
    ],
    ["a call that failed", withDetail(create, { errorCode: "AccessDenied" })],
    ["a call that changes nothing for us", withDetail(create, { eventName: "DeleteService" })],
    ["a call to another API", withDetail(create, { eventSource: "eks.amazonaws.com" })],
    [
      "a task definition's tags set",
      withDetail(fixture("tag-resource-called"), {
        requestParameters: {
          resourceArn: "arn:aws:ecs:us-east-1:111122223333:task-definition/shell:1",
          tags: [{ key: enrollTagKey, value: "true" }],
        },
      }),
    ],
    [
      "a service's foreign tags set",
      withDetail(fixture("tag-resource-called"), {
        requestParameters: {
          resourceArn: "arn:aws:ecs:us-east-1:111122223333:service/ecs-demo/shell-task",
          tags: [{ key: "team", value: enrollTagKey }],
        },
      }),
    ],
    ["the deletion of the image's parameter", withDetail(fixture("image-parameter-changed"), { operation: "Delete" })],
    ["another parameter", withDetail(fixture("image-parameter-changed"), { name: "/ztunnel-autopilot/image2" })],
    ["another secret", withDetail(fixture("root-ca-secret-changed"), { name: "mesh/root-ca-2" })],
    ["a label that makes no version current", withDetail(fixture("root-ca-secret-changed"), { labelUpdated: "next" })],
    ["another event of the secret", { ...fixture("root-ca-secret-changed"), "detail-type": "Secret Deleted" }],
    ["a secret's event of another source", { ...fixture("root-ca-secret-changed"), source: "my.secretsmanager" }],
    ["another deployment's alarm", withDetail(alarm, { alarmName: "ztunnel-autopilot-dev-sweep-not-run" })],
    ["an alarm of the services", withDetail(alarm, { alarmName: "checkout-errors" })],
    ["an alarm that has too little data", withDetail(alarm, { state: { value: "INSUFFICIENT_DATA" } })],
    [
      "a new alarm that has its first data",
      withDetail(alarm, { state: { value: "OK" }, previousState: { value: "INSUFFICIENT_DATA" } }),
    ],
    ["an alarm's change of configuration", { ...alarm, "detail-type": "CloudWatch Alarm Configuration Change" }],
    ["an alarm's event of another source", { ...alarm, source: "my.cloudwatch" }],
    [
      "an event about a rollout that is not ours",
      { ...fixture("rollout-completed"), source: "ztunnel-autopilot.operator" },
    ],
    ["a rollout's event that nobody waits for", { ...fixture("rollout-started"), "detail-type": "Rollout Considered" }],
    ["an operator's request from another account", { ...fixture("rollout-requested"), account: "210987654321" }],
    ["an operator's control from another account", { ...fixture("rollout-controlled"), account: "210987654321" }],
    [
      "a pipeline's word on the root CA from another account",
      { ...fixture("root-ca-rotated"), account: "210987654321" },
    ],
    ["an operator's request that names no account", { ...fixture("rollout-requested"), account: null }],
    ["an operator's request under our own name", { ...fixture("rollout-requested"), source: "ztunnel-autopilot" }],
    ["an event of ours that nobody waits for", { ...fixture("service-enrolled"), "detail-type": "Service Considered" }],
    ["an operator's event under our own name", { ...fixture("root-ca-rotated"), source: "ztunnel-autopilot" }],
  ];
  it.each(nearMisses)("no rule matches %s", (_what, event) => {
    expect([...matching(rules.forwardedRules, event), ...matching(rules.homeRules, event)]).toEqual([]);
  });

  it("matches a tag change with any resource-type", () => {
    const event = withDetail(tag, { "resource-type": undefined });
    expect(matching(rules.homeRules, event)).toEqual(["tag-changed"]);
  });

  /** The tags that ask for something, as the documentation lists them. */
  const asking = [
    enrollTagKey,
    ...["platform", "external", "proxy-env", "image", "wave", "alarms"].map((name) => `ztunnel-autopilot/${name}`),
    ...["namespace", "service-account", "hostname", "ports"].map((name) => `ecs.solo.io/${name}`),
  ];

  it("knows all tags that ask for something", () => {
    expect(Object.values(tagKeys).sort()).toEqual(asking.filter((key) => key !== enrollTagKey).sort());
  });

  it.each(asking)("matches a change of the tag %s alone, as an event and as a call", (key) => {
    const resourceArn = "arn:aws:ecs:us-east-1:111122223333:service/ecs-demo/shell-task";
    const changed = withDetail(tag, { "changed-tag-keys": [key] });
    const set = withDetail(fixture("tag-resource-called"), {
      requestParameters: { resourceArn, tags: [{ key, value: "x" }] },
    });
    const removed = withDetail(fixture("untag-resource-called"), {
      requestParameters: { resourceArn, tagKeys: [key] },
    });
    for (const [event, rule] of [
      [changed, "tag-changed"],
      [set, "service-api-called"],
      [removed, "service-api-called"],
    ] as const) {
      expect(matching(rules.homeRules, event)).toEqual([rule]);
      expect(matching(rules.forwardedRules, event)).toEqual([rule]);
    }
  });

  it("does not match the tag that the autopilot sets on clusters", () => {
    const event = withDetail(tag, { "changed-tag-keys": [DISCOVERY_TAG] });
    expect(matching(rules.homeRules, event)).toEqual([]);
  });

  it("follows the configured enroll key", () => {
    const own = eventPatterns({ homeAccount, enrollTagKey: "mesh.example.com/on" });
    const event = withDetail(tag, { "changed-tag-keys": ["mesh.example.com/on"] });
    expect(matching(own.homeRules, event)).toEqual(["tag-changed"]);
    expect(matching(rules.homeRules, event)).toEqual([]);
  });

  it("matches an alarm that is OK again", () => {
    const event = withDetail(alarm, { state: { value: "OK" }, previousState: { value: "ALARM" } });
    expect(matching(rules.homeRules, event)).toEqual(["alarm-changed"]);
  });

  it("has no rule for the image's parameter, the root CA's secret or the alarms when there is none", () => {
    const names = eventPatterns({ homeAccount, enrollTagKey }).homeRules.map(({ name }) => name);
    expect(names).not.toContain("alarm-changed");
    expect(names).not.toContain("image-parameter-changed");
    expect(names).not.toContain("root-ca-secret-changed");
  });

  it("knows the root CA's secret by its ARN too", () => {
    const event = fixture("root-ca-secret-changed");
    const [arn] = Array.isArray(event.resources) ? event.resources : [];
    const rulesFor = (rootCaSecret: string) => eventPatterns({ homeAccount, enrollTagKey, rootCaSecret }).homeRules;
    expect(matching(rulesFor(String(arn)), event)).toEqual(["root-ca-secret-changed"]);
    expect(matching(rulesFor(`${String(arn)}x`), event)).toEqual([]);
  });

  it("keeps every pattern within 2,048 characters, also with the longest tag key", () => {
    const long = eventPatterns({
      homeAccount,
      enrollTagKey: "k".repeat(128),
      imageParameterName: "/".repeat(1011),
      rootCaSecret: "s".repeat(512),
      alarmNamePrefix: "a".repeat(64),
    });
    for (const { pattern } of [...long.forwardedRules, ...long.homeRules])
      expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(2048);
  });

  it("gives each rule a name of its own", () => {
    for (const list of [rules.forwardedRules, rules.homeRules])
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
  });

  it("forwards only AWS's events: ours are on the home bus already", () => {
    for (const { pattern } of rules.forwardedRules) expect(String(pattern.source)).toMatch(/^aws\./);
  });

  const forPeople = rules.homeRules.filter(({ name }) => name === "news-for-people" || name === "rollout-news");
  const delivered = ({ detailType, detail }: BusEvent): JsonObject => ({
    source: "ztunnel-autopilot",
    account: homeAccount,
    "detail-type": detailType,
    detail,
  });

  it("takes the autopilot's own events from the home account alone", () => {
    for (const event of all) {
      expect(matching(rules.homeRules, { ...delivered(event), account: "210987654321" })).toEqual([]);
      expect(matching(rules.homeRules, { ...delivered(event), account: null })).toEqual([]);
    }
  });

  it("counts a heartbeat by the rule of its place alone, which reaches no function", () => {
    const places = [
      { account: homeAccount, region: "us-east-1" },
      { account: "210987654321", region: "eu-west-1" },
    ];
    const heartbeats = { deployment: "ztunnel-autopilot-prod", places };
    const { forwardedRules, homeRules } = eventPatterns({ homeAccount, enrollTagKey: "mesh/enroll", heartbeats });
    const sent = { source: "ztunnel-autopilot.heartbeat", "detail-type": "Heartbeat" };
    const beat = { ...sent, ...places[1], detail: { version: 1, deployment: "ztunnel-autopilot-prod" } };
    expect(matching(forwardedRules, beat)).toEqual(["heartbeat"]);
    expect(matching(homeRules, beat)).toEqual(["heartbeat-210987654321-eu-west-1"]);
    for (const rule of homeRules.filter(({ name }) => name.startsWith("heartbeat-")))
      expect(rule.functions).toEqual([]);
    for (const other of [
      { ...beat, region: "eu-central-1" },
      { ...beat, account: "999999999999" },
      { ...beat, detail: { version: 1, deployment: "ztunnel-autopilot-dev" } },
    ])
      expect(matching(homeRules, other)).toEqual([]);
  });

  it("notifies people once of everything that the autopilot emits", () => {
    for (const event of all) expect(matching(forPeople, delivered(event))).toHaveLength(1);
    expect(new Set(all.map(({ detailType }) => detailType))).toEqual(new Set(autopilotDetailTypes));
  });

  it("notifies people of a rollout's rolls one by one only if they fail: the rollout's message counts the others", () => {
    const inRollout = all.filter(({ detailType }) => /^(Service|Drift) /.test(detailType));
    const notified = inRollout.filter(
      (event) => matching(forPeople, withDetail(delivered(event), { rolloutId: "upgrade-1" })).length > 0,
    );
    expect(notified.map(({ detailType }) => detailType).sort()).toEqual([
      "Service Contested",
      "Service Refused",
      "Service Roll Failed",
      "Service Throttled",
      "Service Unhealthy",
      "Service Warned",
    ]);
  });

  it("names the functions that run on a schedule", () => {
    expect(schedules.map(({ functionName, everyMinutes }) => [functionName, everyMinutes])).toEqual([
      ["sweep-services", 15],
      ["watch-root-ca", 5],
      ["rollout/request", 5],
      ["rollout/guard", 1],
      ["rollout/report", 1],
    ]);
  });
});
