import { beforeEach, describe, expect, it } from "vitest";
import { registerable } from "../../shared/model/task-definition.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { type EcsSubject, ecsSubjects } from "./support/ecs-subjects.ts";
import { webDefinition } from "./support/web-definition.ts";

describe.each(ecsSubjects)("the task definitions %s", (_name, open) => {
  let subject: EcsSubject;
  let ecs: EcsCalls;
  beforeEach(async () => {
    subject = await open();
    ecs = subject.port;
  });

  const { tags, ...members } = webDefinition;
  const statusOf = async (arn: string, options?: { readonly fresh: boolean }) =>
    (await ecs.describeTaskDefinition(arn, options)).raw.status;

  it("are numbered by family", async () => {
    const arns = [];
    for (const family of ["web", "web", "api", "web"]) {
      arns.push(await ecs.registerTaskDefinition({ ...webDefinition, family }));
    }
    const names = arns.map((arn) => arn.split(":task-definition/").at(-1));
    expect(names).toEqual(["web:1", "web:2", "api:1", "web:3"]);
  });

  it("are described with the members that ECS adds, and with their tags in addition", async () => {
    const taskDefinitionArn = await ecs.registerTaskDefinition(webDefinition);
    const described = await ecs.describeTaskDefinition(taskDefinitionArn);
    const added = { cpu: 0, essential: true, environment: [], mountPoints: [], volumesFrom: [], systemControls: [] };
    expect(described).toMatchObject({ taskDefinitionArn, tags });
    expect(described.raw).toMatchObject({ taskDefinitionArn, revision: 1, status: "ACTIVE" });
    expect(described.raw).not.toHaveProperty("tags");
    expect(registerable(described.raw, described.tags)).toEqual({
      ...members,
      volumes: [],
      placementConstraints: [],
      containerDefinitions: [
        {
          ...added,
          name: "web",
          image: "web:1",
          portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: "tcp" }],
        },
        {
          ...added,
          name: "ztunnel",
          image: "ztunnel:1",
          portMappings: [],
          healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
        },
      ],
      tags,
    });
  });

  it("are the same after their description is registered again", async () => {
    const first = await ecs.describeTaskDefinition(await ecs.registerTaskDefinition(webDefinition));
    const again = await ecs.registerTaskDefinition(registerable(first.raw, first.tags));
    expect(again).not.toBe(first.taskDefinitionArn);
    const second = await ecs.describeTaskDefinition(again);
    expect(registerable(second.raw, second.tags)).toEqual(registerable(first.raw, first.tags));
  });

  it("are not found if they don't exist", async () => {
    const arn = await ecs.registerTaskDefinition(webDefinition);
    await expect(ecs.describeTaskDefinition(`${arn}9`)).rejects.toMatchObject({
      code: "task-definition-not-found",
      retryable: false,
    });
  });

  it("are refused if ECS can't run them", async () => {
    for (const change of [{ containerDefinitions: [] }, { containerDefinitions: [{ name: "web" }] }, { family: "" }]) {
      await expect(ecs.registerTaskDefinition({ ...webDefinition, ...change })).rejects.toMatchObject({
        code: "registration-refused",
        retryable: false,
      });
    }
    expect(await ecs.describeLatestTaskDefinition("web")).toBeUndefined();
  });

  it("have a latest ACTIVE revision in each family", async () => {
    expect(await ecs.describeLatestTaskDefinition("web")).toBeUndefined();
    const first = await ecs.registerTaskDefinition(webDefinition);
    const second = await ecs.registerTaskDefinition({ ...webDefinition, memory: "1024" });
    await ecs.registerTaskDefinition({ ...webDefinition, family: "api" });
    expect(await ecs.describeLatestTaskDefinition("web")).toEqual(await ecs.describeTaskDefinition(second));
    await subject.deregister(second);
    expect(await ecs.describeLatestTaskDefinition("web")).toMatchObject({ taskDefinitionArn: first });
    await subject.deregister(first);
    expect(await ecs.describeLatestTaskDefinition("web")).toBeUndefined();
  });

  it("are cached as they were described, unless `fresh` is set", async () => {
    const arn = await ecs.registerTaskDefinition(webDefinition);
    expect(await statusOf(arn)).toBe("ACTIVE");
    await subject.deregister(arn);
    expect(await statusOf(arn)).toBe("ACTIVE");
    expect(await statusOf(arn, { fresh: true })).toBe("INACTIVE");
    expect(await statusOf(arn)).toBe("INACTIVE");
  });
});
