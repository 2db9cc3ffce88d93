import * as z from "zod";
import { partitionOf } from "../base/arn.ts";
import { type Envelope, forService, type Incoming, ignored, reconcileRequest } from "./envelope.ts";

const callSchema = z.object({
  eventName: z.string(),
  errorCode: z.string().optional(),
  requestParameters: z.record(z.string(), z.unknown()).nullish(),
});

const cluster = z.string().min(1).nullish();
const createSchema = z.object({ cluster, serviceName: z.string().min(1) });
const updateSchema = z.object({ cluster, service: z.string().min(1) });
const tagSchema = z.object({ resourceArn: z.string().min(1) });

/**
 * An ECS call as CloudTrail recorded it. A cluster may be a name, an ARN, or absent (then it is `default`). A service
 * may be a name or an ARN: `serviceName` in CreateService, `service` in UpdateService.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
 */
export function cloudTrailEvent(event: Envelope): Incoming {
  const { eventName, errorCode, requestParameters } = callSchema.parse(event.detail);
  if (errorCode !== undefined) return ignored("call-failed", `${eventName}: ${errorCode}`);
  switch (eventName) {
    case "CreateService": {
      const request = createSchema.parse(requestParameters);
      return reconcileNamed(request.serviceName, request.cluster, event, eventName);
    }
    case "UpdateService": {
      const request = updateSchema.parse(requestParameters);
      return reconcileNamed(request.service, request.cluster, event, eventName);
    }
    case "TagResource":
    case "UntagResource":
      return reconcileRequest(tagSchema.parse(requestParameters).resourceArn, eventName);
    default:
      return ignored("unknown-event-name", eventName);
  }
}

function reconcileNamed(
  service: string,
  clusterNameOrArn: string | null | undefined,
  { account, region }: Envelope,
  cause: string,
): Incoming {
  const clusterName = (clusterNameOrArn ?? "default").replace(/^arn:.*:cluster\//, "");
  const arn = service.startsWith("arn:")
    ? service
    : `arn:${partitionOf(region)}:ecs:${region}:${account}:service/${clusterName}/${service}`;
  return forService(arn, (serviceArn) => ({ kind: "reconcile-service", serviceArn, cause }));
}
