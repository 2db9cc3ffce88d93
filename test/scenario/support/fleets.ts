import { applicationLogs } from "../../../lab/fleet/application-logs.ts";
import { demoFleet, EU, US } from "../../../lab/fleet/demo.ts";
import { type Fleet, type FleetService, fleetSchema } from "../../../lab/fleet/fleet.ts";
import type { ServiceName } from "../../../lab/story/lab-driver.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import { containersOf } from "../../../shared/model/task-definition.ts";

export const ENROLL = "ztunnel-autopilot/enroll";
export const IMAGE = "ztunnel-autopilot/image";
export const NAMESPACE = "ecs.solo.io/namespace";
export const SERVICE_ACCOUNT = "ecs.solo.io/service-account";
export const PORTS = "ecs.solo.io/ports";
export const DISCOVERY = "ecs.solo.io/discovery-enabled";
/** A valid image reference. Tests add the fault rule that keeps its ztunnel from becoming healthy. */
export const BAD_IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2-rc.1";
export const FLEET_IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless";

export const demo = (name: string): ServiceName => ({ ...US, cluster: "ecs-demo", name });
export const shop = (name: string): ServiceName => ({ ...EU, cluster: "shop", name });

/** Tags that enroll a service with this service account, in the namespace ecs-shop. */
export const enrollAs = (serviceAccount: string): Record<string, string> => ({
  [ENROLL]: "true",
  [NAMESPACE]: "ecs-shop",
  [SERVICE_ACCOUNT]: serviceAccount,
});

export const guideFleet = demoFleet;

/** The service that most scenarios are about: two tasks of a Fargate web service, alone in the fleet. */
export const cart = demo("cart");
export const cartFleet = fleetOf([web("cart", { desiredCount: 2 })]);

type Shape = Partial<Omit<FleetService, "name" | "account" | "region">>;

/** A Fargate web service in the home account's cluster ecs-demo, with its own roles. */
export function web(name: string, shape: Shape = {}): FleetService {
  const { taskDefinition = webDefinition(name), ...rest } = shape;
  return fleetSchema.shape.services.element.parse({ ...demo(name), name, taskDefinition, ...rest });
}

/** A fleet with these services in the home account's cluster ecs-demo, which has these tags. */
export function fleetOf(services: readonly FleetService[], clusterTags: Record<string, string> = {}): Fleet {
  return { clusters: [{ ...US, name: "ecs-demo", tags: clusterTags }], services: [...services] };
}

export function webDefinition(name: string, members: JsonObject = {}): JsonObject {
  return {
    family: name,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "512",
    memory: "1024",
    taskRoleArn: `arn:aws:iam::${US.account}:role/${name}-task`,
    executionRoleArn: `arn:aws:iam::${US.account}:role/${name}-execution`,
    containerDefinitions: [
      {
        name: "app",
        image: `shop/${name}:1`,
        essential: true,
        portMappings: [{ containerPort: 8080 }],
        logConfiguration: applicationLogs(name),
      },
    ],
    ...members,
  };
}

/** The definition with another image in the container, as a pipeline that doesn't know the sidecar registers it. */
export function released(definition: JsonObject, container: string, image: string): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    one.name === container ? { ...one, image } : one,
  );
  return { ...definition, containerDefinitions };
}
