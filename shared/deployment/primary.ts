import type { Deployment, ObservedService } from "../model/service.ts";

/** The deployment that the service is meant to run, or `undefined` where ECS has none, as after its deletion. */
export function primaryOf({ deployments }: Pick<ObservedService, "deployments">): Deployment | undefined {
  return deployments.find(({ status }) => status === "PRIMARY");
}
