import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import { messageFor } from "../../../shared/slack/messages.ts";

const folder = new URL("../../fixtures/events/", import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
const service = "arn:aws:ecs:us-east-1:111122223333:service/ecs-demo/shell-task";

const expected: Readonly<Record<string, object>> = {
  "create-service-called.json": { kind: "look-at-service", serviceArn: service },
  "deployment-completed.json": { kind: "deployment", serviceArn: service },
  "deployment-failed.json": { kind: "deployment", eventName: "SERVICE_DEPLOYMENT_FAILED" },
  "deployment-in-progress.json": { kind: "deployment", eventName: "SERVICE_DEPLOYMENT_IN_PROGRESS" },
  "image-parameter-changed.json": { kind: "image-parameter-changed", parameterName: "/ztunnel-autopilot/image" },
  "root-ca-rotated.json": { kind: "root-ca-rotated", controlPlane: "main" },
  "service-enrolled.json": { kind: "look-at-service", serviceArn: service },
  "service-refused.json": { kind: "ignored", why: "unknown-event-kind" },
  "service-roll-superseded.json": { kind: "look-at-service", serviceArn: service },
  "tag-changed-on-cluster.json": { kind: "look-at-cluster", clusterArn: expect.stringMatching(/:cluster\/ecs-demo$/) },
  "tag-changed-on-service.json": { kind: "look-at-service", serviceArn: service },
  "tag-resource-called.json": { kind: "look-at-service", serviceArn: service },
  "task-stopped.json": { kind: "task-stopped", serviceArn: service },
  "untag-resource-called.json": { kind: "look-at-service" },
  "update-service-called.json": { kind: "look-at-service", serviceArn: service },
};

describe("every recorded event", () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith(".json")))("%s asks for what it should", (file) => {
    expect(expected[file]).toBeDefined();
    expect(parseIncoming(read(file))).toMatchObject(expected[file] ?? {});
  });
});

describe("every recorded event of our own", () => {
  it.each(["service-enrolled.json", "service-refused.json", "service-roll-superseded.json"])(
    "%s can be told to people",
    (file) => {
      expect(messageFor(readOutgoing(read(file))).text).toContain("ecs-demo/shell-task");
    },
  );
});
