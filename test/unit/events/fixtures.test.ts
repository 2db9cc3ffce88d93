import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../../shared/base/json.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import { messageFor } from "../../../shared/slack/messages.ts";

const folder = new URL("../../fixtures/events/", import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
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
      "root-ca-changed",
      "root-ca-expiring",
      "root-ca-retirable",
      "rollout-completed",
      "rollout-controlled",
      "rollout-paused",
      "rollout-refused",
      "rollout-requested",
      "rollout-rolled-back",
      "rollout-started",
      "rollout-wave-completed",
      "service-refused-in-rollout",
    ].map((name) => [`${name}.json`, { kind: "ignored", reason: "unknown-event-kind" }]),
  ),
  "service-roll-failed-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-superseded-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-updated-in-rollout.json": { kind: "reconcile-service", serviceArn: service },
  "service-updated-recheck-requested.json": { kind: "reconcile-service", serviceArn: service },
  "service-enrolled.json": { kind: "reconcile-service", serviceArn: service },
  "service-refused.json": { kind: "ignored", reason: "unknown-event-kind" },
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

describe("every recorded event", () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith(".json")))("%s asks for what it should", (file) => {
    expect(expected[file]).toBeDefined();
    expect(parseIncoming(read(file))).toMatchObject(expected[file] ?? {});
  });
});

const own = readdirSync(folder).filter((file) => {
  const event = read(file);
  return isJsonObject(event) && event.source === "ztunnel-autopilot";
});

describe("every recorded event of our own", () => {
  it.each(own)("%s can be told to people", (file) => {
    const about = file.startsWith("service") ? "ecs-demo/shell-task" : /main|upgrade|Wave/;
    expect(messageFor(readOutgoing(read(file))).text).toMatch(about);
  });
});
