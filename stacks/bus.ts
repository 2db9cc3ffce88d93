import type { Context } from "./context.ts";
import { homeBusPolicy } from "./definitions/bus-policy.ts";
import { homeBusArn, homeBusName } from "./definitions/deployment.ts";

/** The home bus, to which every target region forwards. */
export function homeBus({ deployment }: Context): aws.cloudwatch.EventBus {
  const bus = new aws.cloudwatch.EventBus("Bus", {
    name: homeBusName(deployment),
    description: "Events that the autopilot receives and emits.",
  });
  const policy = homeBusPolicy(deployment, homeBusArn(deployment));
  new aws.cloudwatch.EventBusPolicy("BusPolicy", { eventBusName: bus.name, policy });
  return bus;
}
