import { ECSClient } from "@aws-sdk/client-ecs";
import { STSClient } from "@aws-sdk/client-sts";
import {
  Ecs,
  inProcessRequestHandler,
  SecretsManager,
  Simulator,
  scopeOf,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { sendDirectly } from "../../lab/lambda/direct-send.ts";
import { serviceRef } from "../../shared/base/arn.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { ecsGateway } from "../../shared/gateways/aws/ecs.ts";
import { secretsGateway } from "../../shared/gateways/aws/secrets.ts";

const place = { account: "111111111111", region: "eu-west-1" };
const prefix = `arn:aws:ecs:${place.region}:${place.account}`;
const ref = serviceRef(`${prefix}:service/demo/web`);
const definition: JsonObject = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  executionRoleArn: `arn:aws:iam::${place.account}:role/web`,
  containerDefinitions: [{ name: "web", image: "web:1", essential: true }],
};

/** ECS and Secrets Manager, called directly or through the SDK's pipeline. */
function simulatedAws(direct: boolean) {
  const clock = new VirtualClock(Date.parse("2026-11-21T03:00:00Z"));
  const simulator = new Simulator({ clock });
  const secrets = simulator.add((context) => new SecretsManager(context));
  const simulation = simulator.add((context) => new Ecs(context));
  const { faults, router, handle } = simulator;
  const clients = awsClients({
    config: { name: "x", homeRegion: place.region, homeAccount: place.account, memberRoleName: "member" },
    requestHandler: inProcessRequestHandler(handle),
    credentials: { accessKeyId: place.account, secretAccessKey: "s" },
    pause: (ms) => clock.advance(ms),
    random: () => 0.5,
    onClient: (client, region, credentials) => {
      if (direct) sendDirectly(client, { handle, authorization: scopeOf(credentials, region) });
    },
  });
  const ecs = ecsGateway(clients.at(place), { now: () => clock.now() });
  const create = async (input: JsonObject, call: string) => simulation.operations[call]?.(input, place);
  const remove = async (SecretId: string) => secrets.operations.DeleteSecret?.({ SecretId }, place);
  return { clock, faults, router, clients, ecs, secrets: secretsGateway(clients.at(place)), create, remove };
}

/**
 * Makes the same calls directly or through the pipeline. Returns their answers, their errors, the time and the counts.
 */
async function callsAndAnswers(direct: boolean) {
  const { clock, faults, router, ecs, secrets, create, remove } = simulatedAws(direct);
  const codeOf = (failing: Promise<unknown>) =>
    failing.then(
      () => "no error",
      (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
    );
  await create({ clusterName: "demo", tags: [{ key: "stage", value: "demo" }] }, "CreateCluster");
  const taskDefinition = await ecs.registerTaskDefinition(definition);
  await create(
    {
      ...{ cluster: "demo", serviceName: "web", taskDefinition, desiredCount: 2, launchType: "FARGATE" },
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"] } },
    },
    "CreateService",
  );
  await clock.advance(600_000);
  const seen: unknown[] = [
    await ecs.describeService(ref),
    await ecs.describeTaskDefinition(taskDefinition, { fresh: true }),
    await ecs.describeTasks(`${prefix}:cluster/demo`, await ecs.listTasks(ref, "RUNNING")),
    await ecs.describeCluster(`${prefix}:cluster/demo`),
    await ecs.describeServiceDeployments(ref, 0),
    await ecs.describeServiceDeployments(ref, clock.now()),
    await codeOf(ecs.describeTaskDefinition(`${prefix}:task-definition/web:9`)),
    await codeOf(ecs.describeService(serviceRef(`${prefix}:service/nowhere/web`))),
    await codeOf(ecs.registerTaskDefinition({ ...definition, cpu: "257" })),
  ];
  const value = { value: "v1", versionId: "v1".padEnd(32, "0"), tags: { team: "web" } };
  const { arn } = await secrets.createSecret({ name: "web", description: "of web", ...value });
  seen.push(await secrets.describeSecret("web"), await codeOf(secrets.getSecretValue("nowhere", "invalid-kubeconfig")));
  await remove("web");
  seen.push(await secrets.describeSecret(arn), await codeOf(secrets.getSecretValue("web", "invalid-kubeconfig")));
  for (let nth = 0; nth < 25; nth += 1) seen.push(await ecs.registerTaskDefinition(definition));
  faults.replace([{ kind: "api-error", match: { call: "ecs.*" }, count: 2 }]);
  seen.push(await codeOf(ecs.registerTaskDefinition(definition)), await codeOf(ecs.describeService(ref)));
  return { seen, endMs: clock.now(), calls: router.calls() };
}

describe("a direct call", () => {
  it("has the same answers, errors, retries and pauses as a call through the SDK's pipeline", async () => {
    const direct = await callsAndAnswers(true);
    expect(direct).toEqual(await callsAndAnswers(false));
    expect(direct.calls["ecs.RegisterTaskDefinition"]).toBeGreaterThan(27);
    expect(direct.seen).toContainEqual(expect.objectContaining({ name: "web", scheduledForDeletion: true }));
    expect(direct.seen).toContainEqual([expect.objectContaining({ status: "SUCCESSFUL" })]);
  });

  it("works only for clients of AWS's JSON protocol", () => {
    const { clients } = simulatedAws(false);
    const options = { handle: async () => ({ status: 200, headers: {}, body: "" }), authorization: async () => "" };
    expect(sendDirectly(clients.home(ECSClient), options)).toBe(true);
    expect(sendDirectly(clients.home(STSClient), options)).toBe(false);
  });
});
