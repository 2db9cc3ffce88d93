import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import { eventFixture, eventFixtureNames } from "../../support/event-fixtures.ts";
import { messageFor } from "../../support/messages.ts";

const folder = new URL("../../fixtures/events/", import.meta.url);
const files = eventFixtureNames.map((name) => `${name}.json`);
const read = (file: string) => eventFixture(file.replace(/\.json$/, ""));
const service = "arn:aws:ecs:us-east-1:111122223333:service/ecs-demo/shell-task";

const expected: Readonly<Record<string, object>> = {
  "create-service-called.json": { kind: "reconcile-service", serviceArn: service },
  "deployment-completed.json": { kind: "deployment", serviceArn: service },
  "deployment-failed.json": { kind: "deployment", eventName: "SERVICE_DEPLOYMENT_FAILED" },
  "deployment-in-progress.json": { kind: "deployment", eventName: "SERVICE_DEPLOYMENT_IN_PROGRESS" },
  "image-parameter-changed.json": { kind: "image-parameter-changed", parameterName: "/ztunnel-autopilot/image" },
  "root-ca-rotated.json": { kind: "root-ca-rotated", controlPlane: "main" },
  "root-ca-secret-changed.json": { kind: "root-ca-rotated", controlPlane: undefined },
  ...Object.fromEntries(
    [
      "alarm-went-off",
      "mesh-gateway-ambiguous",
      "ledger-restored",
      "mesh-identity-warned",
      "mesh-shape-unknown",
      "root-ca-changed",
      "root-ca-expiring",
      "root-ca-retirable",
      "root-ca-stage",
      "release-requested",
      "rollout-completed",
      "rollout-controlled",
      "rollout-paused",
      "rollout-refused",
      "rollout-requested",
      "rollout-rolled-back",
      "rollout-started",
      "rollout-wave-completed",
      "services-orphaned",
    ].map((name) => [`${name}.json`, { kind: "ignored", reason: "unknown-event-kind" }]),
  ),
  "service-roll-failed-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-superseded-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-updated-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-updated-recheck-requested.json": { kind: "reconcile-service", serviceArn: service },
  "service-enrolled.json": { kind: "reconcile-service", serviceArn: service },
  "service-refused.json": { kind: "reconcile-service", serviceArn: service },
  "service-refused-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-roll-superseded.json": { kind: "reconcile-service", serviceArn: service },
  "tag-changed-on-cluster.json": {
    kind: "reconcile-cluster",
    clusterArn: expect.stringMatching(/:cluster\/ecs-demo$/),
  },
  "tag-changed-on-service.json": { kind: "reconcile-service", serviceArn: service },
  "tag-resource-called.json": { kind: "reconcile-service", serviceArn: service },
  "task-stopped.json": { kind: "task-stopped", serviceArn: service },
  "untag-resource-called.json": { kind: "reconcile-service" },
  "update-service-called.json": { kind: "reconcile-service", serviceArn: service },
};

describe("every sample event", () => {
  it.each(files)("%s asks for what it should", (file) => {
    expect(expected[file]).toBeDefined();
    expect(parseIncoming(read(file))).toMatchObject(expected[file] ?? {});
  });
});

/** The rows of the table in the folder's README: file, origin, and the page or the schema that the shape is from. */
const rows = readFileSync(new URL("README.md", folder), "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, file = "", origin = "", shape = ""] = /^\| `(.+?)` *\| (.+?) *\| (.+?) *\|$/.exec(line) ?? [];
    return file === "" ? [] : [{ file, origin, shape }];
  });

describe("the table of sample events", () => {
  it("has one row for every file, and a file for every row", () => {
    expect(rows.map(({ file }) => file)).toEqual(files.toSorted());
  });

  it.each(rows)("says where $file is from", ({ file, origin, shape }) => {
    expect(origin).toMatch(/^(by hand|recorded .+ \d{4}-\d{2}-\d{2})$/);
    const event = read(file);
    if (String(event.source).startsWith("aws.")) expect(shape).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
    else expect(existsSync(new URL(`../../../${shape.replaceAll("`", "")}`, import.meta.url))).toBe(true);
  });
});

const own = files.filter((file) => read(file).source === "ztunnel-autopilot");

describe("every sample event of the autopilot", () => {
  it.each(own)("%s has a message for people", (file) => {
    const about = file.startsWith("service") ? "ecs-demo/shell-task" : /main|upgrade|Wave|ledger/;
    expect(messageFor(readOutgoing(read(file))).text).toMatch(about);
  });
});
