import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import {
  apiCall,
  CLUSTER,
  deployment,
  other,
  own,
  parameter,
  rotated,
  type Sample,
  SERVICE,
  tagChange,
  task,
} from "../../support/incoming-samples.ts";

const SHORT = "arn:aws:ecs:us-east-1:123456789012:service/web";
const reconcileBecause = (cause: string) => ({ kind: "reconcile-service", serviceArn: SERVICE, cause });

describe("an incoming event", () => {
  it("of a deployment names service, deployment and what happened", () => {
    expect(parseIncoming(deployment())).toEqual({
      kind: "deployment",
      serviceArn: SERVICE,
      deploymentId: "ecs-svc/123",
      eventName: "SERVICE_DEPLOYMENT_COMPLETED",
      reason: "ECS deployment ecs-svc/123 completed.",
    });
  });

  it("of a stopped task names its service and why it stopped", () => {
    expect(parseIncoming(task())).toEqual({
      kind: "task-stopped",
      serviceArn: SERVICE,
      taskArn: "arn:aws:ecs:us-east-1:123456789012:task/prod/a117",
      taskDefinitionArn: "arn:aws:ecs:us-east-1:123456789012:task-definition/web:8",
      containers: [{ name: "ztunnel", lastStatus: "STOPPED", exitCode: 1 }],
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
    });
  });

  it("of a changed tag asks to reconcile the service, or all services of the cluster", () => {
    expect(parseIncoming(tagChange())).toEqual(reconcileBecause("tag-change"));
    expect(parseIncoming(tagChange(CLUSTER))).toEqual({
      kind: "reconcile-cluster",
      clusterArn: CLUSTER,
      cause: "tag-change",
    });
  });

  it.each<[string, string, object]>([
    ["CreateService with names", "CreateService", { cluster: "prod", serviceName: "web" }],
    ["CreateService with the cluster's ARN", "CreateService", { cluster: CLUSTER, serviceName: "web" }],
    ["UpdateService with names", "UpdateService", { cluster: "prod", service: "web" }],
    ["UpdateService with the service's ARN", "UpdateService", { service: SERVICE }],
    ["TagResource", "TagResource", { resourceArn: SERVICE, tags: [] }],
    ["UntagResource", "UntagResource", { resourceArn: SERVICE, tagKeys: [] }],
  ])("of the call %s asks to reconcile the service", (_what, eventName, request) => {
    expect(parseIncoming(apiCall(eventName, request))).toEqual(reconcileBecause(eventName));
  });

  it("of a call without a cluster means the default cluster", () => {
    expect(parseIncoming(apiCall("UpdateService", { service: "web" }))).toMatchObject({
      serviceArn: SERVICE.replace("/prod/", "/default/"),
    });
  });

  it("of a call in another partition has that partition's ARN", () => {
    const event = { ...apiCall("CreateService", { cluster: "prod", serviceName: "web" }), region: "cn-north-1" };
    expect(parseIncoming(event)).toMatchObject({
      serviceArn: "arn:aws-cn:ecs:cn-north-1:123456789012:service/prod/web",
    });
  });

  it("of a call that tags a cluster asks to reconcile all its services", () => {
    expect(parseIncoming(apiCall("TagResource", { resourceArn: CLUSTER }))).toMatchObject({
      kind: "reconcile-cluster",
      clusterArn: CLUSTER,
    });
  });

  it("of the fleet's image names the parameter and where it is", () => {
    expect(parseIncoming(parameter("Update"))).toEqual({
      kind: "image-parameter-changed",
      account: "123456789012",
      region: "us-east-1",
      parameterName: "/mesh/ztunnel-image",
    });
  });

  it("of a rotated root CA may name the control plane", () => {
    expect(parseIncoming(rotated({ controlPlane: "main" }))).toEqual({ kind: "root-ca-rotated", controlPlane: "main" });
    expect(parseIncoming(rotated())).toEqual({ kind: "root-ca-rotated", controlPlane: undefined });
  });

  it.each([
    "Service Enrolled",
    "Service Updated",
    "Service Unenrolled",
    "Service Roll Failed",
    "Service Roll Superseded",
    "Drift Corrected",
  ])("of our own %s asks to reconcile the service again", (detailType) => {
    expect(parseIncoming(own(detailType))).toEqual(reconcileBecause(detailType));
  });
});

describe("an event that concerns nothing of ours", () => {
  it.each<[string, Sample]>([
    ["unknown-event-kind", other("aws.ec2", "EC2 Instance State-change Notification")],
    ["unknown-event-kind", other("aws.ecs", "ECS Something New")],
    ["unknown-event-kind", own("Service Warned")],
    ["unknown-event-name", deployment({ eventName: "SERVICE_DEPLOYMENT_DREAMT" })],
    ["unknown-event-name", apiCall("DeleteService", { service: "web" })],
    ["short-service-arn", deployment({}, SHORT)],
    ["short-service-arn", tagChange(SHORT)],
    ["short-service-arn", apiCall("UpdateService", { service: SHORT })],
    ["not-a-service", tagChange("arn:aws:ecs:us-east-1:123456789012:task/prod/a117")],
    ["not-a-service", tagChange("arn:aws:ec2:us-east-1:123456789012:instance/i-1", { service: "ec2" })],
    ["not-a-service-task", task({ group: "family:web" })],
    ["not-a-service-task", task({ group: undefined })],
    ["task-not-stopped", task({ lastStatus: "RUNNING" })],
    ["call-failed", apiCall("CreateService", { serviceName: "web" }, { errorCode: "AccessDenied" })],
    ["parameter-deleted", parameter("Delete")],
  ])("is ignored as %s", (reason, event) => {
    expect(parseIncoming(event)).toMatchObject({ kind: "ignored", reason });
  });
});

describe("a malformed event", () => {
  const deploymentEvent = deployment();

  it.each<[string, unknown]>([
    ["is not an object", "event"],
    ["is nothing", undefined],
    ["has no source", { ...deploymentEvent, source: undefined }],
    ["has no detail", { ...deploymentEvent, detail: null }],
    ["has no account", { ...deploymentEvent, account: "1" }],
    ["names no service", { ...deploymentEvent, resources: [] }],
    ["names no deployment", deployment({ deploymentId: 7 })],
    ["is a task of no cluster", task({ clusterArn: "prod" })],
    ["is a task without containers", task({ containers: "ztunnel" })],
    ["is a call without parameters", apiCall("CreateService", null)],
    ["is a call for no service", apiCall("UpdateService", { cluster: "prod" })],
    ["is a tag of no resource", apiCall("TagResource", {})],
    ["is our own without a service", own("Service Enrolled", {})],
    ["is a parameter without a name", { ...parameter("Update"), detail: { operation: "Update" } }],
    ["is a rotation of no control plane", rotated({ controlPlane: 1 })],
  ])("that %s is an error with that name", (_what, event) => {
    expect(() => parseIncoming(event)).toThrow(expect.objectContaining({ code: "malformed-event" }));
  });

  it("fails in no other way, with any content", () => {
    const kinds = fc.constantFrom(
      deployment,
      task,
      () => tagChange(),
      () => apiCall("CreateService", {}),
      rotated,
    );
    fc.assert(
      fc.property(kinds, fc.object(), fc.array(fc.string()), (kind, detail, resources) => {
        const base = kind();
        try {
          parseIncoming({ ...base, resources, detail: { ...base.detail, ...detail } });
          parseIncoming({ ...base, resources, detail });
        } catch (error) {
          expect(error).toBeInstanceOf(AutopilotError);
          expect(error).toMatchObject({ code: "malformed-event" });
        }
      }),
    );
  });
});
