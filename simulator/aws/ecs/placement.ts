import { isOnFargate } from "./capacity.ts";
import type { EcsService } from "./model.ts";

/**
 * What ECS says when it finds no place for a task: the service's event, and the reason in EventBridge's.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
 */
export function placementFailure({ settings }: EcsService): { readonly message: string; readonly reason: string } {
  if (!isOnFargate(settings)) {
    return {
      message:
        "was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 40f536861332417b97b15b7de7586fd3) has insufficient memory available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
      reason: "RESOURCE:MEMORY",
    };
  }
  return {
    message:
      "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
    reason: "RESOURCE:FARGATE",
  };
}
