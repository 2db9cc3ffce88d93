/** One event of every kind, in the shape that its source documents, with members that nobody reads. */
const account = "123456789012";
const ecs = `arn:aws:ecs:us-east-1:${account}`;
export const SERVICE = `${ecs}:service/prod/web`;
export const CLUSTER = `${ecs}:cluster/prod`;

export type Sample = Readonly<Record<string, unknown>> & { readonly detail: Readonly<Record<string, unknown>> };

function event(source: string, detailType: string, resources: readonly string[], detail: Sample["detail"]): Sample {
  return {
    version: "0",
    id: "af3c496d-f4a8-65d1-70f4-a69d52e9b584",
    "detail-type": detailType,
    source,
    account,
    time: "2026-01-01T19:27:22Z",
    region: "us-east-1",
    resources,
    detail,
  };
}

export const deployment = (detail: object = {}, resource = SERVICE): Sample =>
  event("aws.ecs", "ECS Deployment State Change", [resource], {
    eventType: "INFO",
    eventName: "SERVICE_DEPLOYMENT_COMPLETED",
    deploymentId: "ecs-svc/123",
    updatedAt: "2026-05-23T11:11:11Z",
    reason: "ECS deployment ecs-svc/123 completed.",
    ...detail,
  });

export const task = (detail: object = {}): Sample =>
  event("aws.ecs", "ECS Task State Change", [`${ecs}:task/prod/a117`], {
    clusterArn: CLUSTER,
    taskArn: `${ecs}:task/prod/a117`,
    taskDefinitionArn: `${ecs}:task-definition/web:8`,
    group: "service:web",
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ name: "ztunnel", lastStatus: "STOPPED", exitCode: 1, image: "ztunnel:1" }],
    version: 3,
    ...detail,
  });

export const tagChange = (resource = SERVICE, detail: object = {}): Sample =>
  event("aws.tag", "Tag Change on Resource", [resource], {
    "changed-tag-keys": ["ztunnel-autopilot/enroll"],
    tags: { "ztunnel-autopilot/enroll": "true" },
    service: "ecs",
    version: 3,
    ...detail,
  });

export const apiCall = (eventName: string, requestParameters: object | null, detail: object = {}): Sample =>
  event("aws.ecs", "AWS API Call via CloudTrail", [], {
    eventSource: "ecs.amazonaws.com",
    eventName,
    requestParameters,
    responseElements: null,
    readOnly: false,
    ...detail,
  });

export const parameter = (operation: string): Sample =>
  event("aws.ssm", "Parameter Store Change", [], { operation, name: "/mesh/ztunnel-image", type: "String" });

export const rotated = (detail: object = {}): Sample =>
  event("ztunnel-autopilot.operator", "Root CA Rotated", [], { ...detail });

export const own = (detailType: string, detail: object = { serviceArn: SERVICE }): Sample =>
  event("ztunnel-autopilot", detailType, [], { ...detail });

export const other = (source: string, detailType: string): Sample => event(source, detailType, [], {});
