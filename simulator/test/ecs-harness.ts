import { EcsSimulation } from "../aws/ecs/simulation.ts";
import { SecretsManager } from "../aws/secrets-manager/secrets-manager.ts";
import type { AwsEvent } from "../aws/service.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Faults } from "../faults.ts";
import { isJsonObject, type JsonObject } from "../json.ts";

export const ACCOUNT = "123456789012";
export const REGION = "us-east-1";

/** ECS on a virtual clock with Secrets Manager, its calls and its events. Every role may read every secret. */
export function ecsHarness(options: { cloudTrail?: boolean } = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const faults = new Faults(() => clock.now());
  const events: AwsEvent[] = [];
  const changes: string[] = [];
  let seed = 1;
  const readers = [{ roleArn: "*", secretArn: "*" }];
  const secrets = new SecretsManager({ clock, faults, random: () => 0.5, readers });
  const simulation = new EcsSimulation({
    clock,
    faults,
    random: () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    },
    emit: (event) => events.push(event),
    secrets,
    onTask: ({ lastStatus, healthy }) => changes.push(`${lastStatus}${healthy ? " healthy" : ""}`),
    ...options,
  });
  async function call(operation: string, input: JsonObject = {}, service = simulation.service()): Promise<JsonObject> {
    const perform = service.operations[operation];
    if (!perform) throw new Error(`no operation ${operation}`);
    const output = await perform(input, { account: ACCOUNT, region: REGION });
    if (!isJsonObject(output)) throw new Error("no object");
    return output;
  }
  const createSecret = async (Name: string) =>
    String((await call("CreateSecret", { Name, SecretString: "token" }, secrets)).ARN);
  const eventsOf = (detailType: string) => events.filter((event) => event["detail-type"] === detailType);
  return { clock, faults, events, changes, simulation, call, createSecret, eventsOf };
}

/** The guide's container of ztunnel. */
export const ztunnelContainer = {
  name: "ztunnel",
  image: "ztunnel:1.29.0",
  cpu: 0,
  essential: true,
  startTimeout: 60,
  healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
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
