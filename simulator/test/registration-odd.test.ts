import { expect, it } from "vitest";
import { registrationProblems } from "../aws/ecs/registration/rules.ts";
import { AwsError } from "../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { ecsHarness, webService } from "./ecs-harness.ts";
import { awslogs, secret, web } from "./registration-definitions.ts";

/** A definition with a value in every member that decides how its tasks run. */
const rich: JsonObject = {
  ...web,
  taskRoleArn: "arn:aws:iam::123456789012:role/web",
  volumes: [{ name: "data", configuredAtLaunch: false }],
  tags: [{ key: "team", value: "a" }],
  containerDefinitions: [
    { name: "first", image: "first:1", essential: false },
    {
      name: "web",
      image: "web:1",
      cpu: 128,
      memory: 256,
      memoryReservation: 128,
      essential: true,
      startTimeout: 60,
      environment: [{ name: "B", value: "1" }],
      secrets: [secret],
      portMappings: [{ containerPort: 80, name: "http" }],
      dependsOn: [{ containerName: "first", condition: "START" }],
      healthCheck: { command: ["CMD", "ping"], interval: 5, timeout: 5, retries: 3, startPeriod: 1 },
      logConfiguration: awslogs(),
    },
  ],
};
/** No null: as a member, the protocol reads it as absent. */
const ODD: readonly Json[] = [7, -1, "", "x", true, [], [null], [7], {}, { a: 1 }];

/** The value with an odd one in the place of every part of it, one at a time. */
function* altered(value: Json): Generator<Json> {
  yield* ODD;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      for (const odd of altered(item)) yield value.map((each, at) => (at === index ? odd : each));
    }
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      for (const odd of altered(member)) yield { ...value, [key]: odd };
      const { [key]: _, ...rest } = value;
      yield rest;
    }
  }
}

it("an odd definition is refused by name, or runs", async () => {
  expect(registrationProblems(rich)).toEqual([]);
  const defects: string[] = [];
  let tried = 0;
  for (const definition of altered(rich)) {
    if (!isJsonObject(definition)) continue;
    tried += 1;
    const { call, clock } = ecsHarness();
    await clock
      .run(
        (async () => {
          await call("CreateCluster");
          const { taskDefinition } = await call("RegisterTaskDefinition", definition);
          const { family = "" } = isJsonObject(taskDefinition) ? taskDefinition : {};
          await call("CreateService", { ...webService, taskDefinition: family });
          await clock.sleep(300_000);
          await call("DescribeTaskDefinition", { taskDefinition: family });
        })(),
      )
      .catch((error: unknown) => {
        if (!(error instanceof AwsError)) defects.push(`${String(error)} for ${JSON.stringify(definition)}`);
      });
  }
  expect(tried).toBeGreaterThan(300);
  expect(defects.map((text) => text.replace(/\s+/g, " "))).toEqual([]);
});
