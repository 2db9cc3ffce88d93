import { Ecs, type EcsOptions } from "../aws/ecs/ecs.ts";
import { Iam } from "../aws/iam/iam.ts";
import { SecretsManager } from "../aws/secrets-manager/secrets-manager.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Port } from "../core/connections.ts";
import type { AwsEvent } from "../core/event.ts";
import type { AwsService } from "../core/service.ts";
import { Simulator } from "../core/simulator.ts";

export const ACCOUNT = "123456789012";
export const REGION = "us-east-1";

/** ECS on a virtual clock with Secrets Manager, its calls and its events. Every role may read every secret. */
export function ecsHarness(options: Pick<EcsOptions, "cloudTrail" | "shortArns"> = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const events: AwsEvent[] = [];
  const changes: string[] = [];
  let seed = 1;
  const simulator = new Simulator({
    clock,
    random: () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
  });
  const { context, faults } = simulator;
  const ecs = simulator.add(() => new Ecs(context, options));
  const secrets = simulator.add(() => new SecretsManager(context));
  const iam = new Iam({ clock, authorizer: new Port("permissions") });
  context.authorizer.provide(Object.assign(iam, { refusalOfSession: () => undefined }));
  context.events.subscribe((event) => events.push(event));
  context.taskChanges.subscribe(({ lastStatus, healthy }) => changes.push(`${lastStatus}${healthy ? " healthy" : ""}`));
  async function call(operation: string, input: JsonObject = {}, service: AwsService = ecs): Promise<JsonObject> {
    const perform = service.operations[operation];
    if (!perform) throw new Error(`no operation ${operation}`);
    const output = await perform(input, { account: ACCOUNT, region: REGION });
    if (!isJsonObject(output)) throw new Error("no object");
    return output;
  }
  const createSecret = async (Name: string, SecretString = "token") =>
    String((await call("CreateSecret", { Name, SecretString }, secrets)).ARN);
  const eventsOf = (detailType: string) => events.filter((event) => event["detail-type"] === detailType);
  return { clock, faults, events, changes, context, ecs, call, createSecret, eventsOf };
}

/** A proxy that the application waits for. */
export const proxyContainer = {
  name: "proxy",
  image: "proxy:1.29.0",
  cpu: 0,
  essential: true,
  startTimeout: 60,
  healthCheck: { command: ["CMD", "proxy", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
};

export const webContainer = { name: "web", image: "web:1", cpu: 256, memory: 512, essential: true };

export const webDefinition = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  containerDefinitions: [webContainer],
};

export const webService = {
  serviceName: "web",
  taskDefinition: "web",
  desiredCount: 1,
  launchType: "FARGATE",
  networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
};

export const webArn = `arn:aws:ecs:${REGION}:${ACCOUNT}:service/default/web`;
