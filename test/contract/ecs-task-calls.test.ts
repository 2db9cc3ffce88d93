import { beforeEach, describe, expect, it } from "vitest";
import { clusterArnOf, type ServiceRef, serviceRef } from "../../shared/base/arn.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { itThrowsFailures } from "./support/call-failures.ts";
import { type EcsSubject, ecsSubjects } from "./support/ecs-subjects.ts";
import { webDefinition } from "./support/web-definition.ts";

describe.each(ecsSubjects)("the tasks and tags %s", (_name, open) => {
  let subject: EcsSubject;
  let ecs: EcsCalls;
  let web: ServiceRef;
  let clusterArn: string;
  let first: string;
  let second: string;
  beforeEach(async () => {
    subject = await open();
    ecs = subject.port;
    first = await ecs.registerTaskDefinition(webDefinition);
    second = await ecs.registerTaskDefinition({ ...webDefinition, memory: "1024" });
    web = await subject.createService("web", first, { tags: { team: "shop" } });
    clusterArn = clusterArnOf(web);
  });

  const elsewhere = (arn: string) => arn.replace("/shop", "/nowhere");
  const tasksOf = async (ref: ServiceRef, status: "RUNNING" | "STOPPED") =>
    ecs.describeTasks(clusterArn, await ecs.listTasks(ref, status));

  describe("tasks", () => {
    it("are listed by service; running ones have an address, and a health if they have a health check", async () => {
      const api = await subject.createService("api", first, { desiredCount: 1 });
      expect(await ecs.listTasks(api, "RUNNING")).toHaveLength(1);
      const tasks = await tasksOf(web, "RUNNING");
      expect(tasks).toHaveLength(2);
      for (const task of tasks) {
        expect(task).toMatchObject({
          taskDefinitionArn: first,
          lastStatus: "RUNNING",
          privateIpv4Address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
          containers: [
            { name: "web", lastStatus: "RUNNING", healthStatus: "UNKNOWN" },
            { name: "ztunnel", lastStatus: "RUNNING", healthStatus: "HEALTHY" },
          ],
        });
      }
      expect(new Set(tasks.map(({ privateIpv4Address }) => privateIpv4Address)).size).toBe(2);
    });

    it("are listed by family and by cluster, there up to a number", async () => {
      const third = await ecs.registerTaskDefinition({ ...webDefinition, family: "api" });
      await subject.createService("api", third, { desiredCount: 1 });
      expect(await ecs.listTasks({ clusterArn, family: "api" }, "RUNNING")).toHaveLength(1);
      expect(await ecs.listTasks({ clusterArn, most: 100 }, "RUNNING")).toHaveLength(3);
      expect(await ecs.listTasks({ clusterArn, most: 2 }, "RUNNING")).toHaveLength(2);
    });

    it("of a new deployment don't run yet, while those of the previous one do", async () => {
      await ecs.updateService(web, { taskDefinitionArn: second });
      const tasks = await tasksOf(web, "RUNNING");
      const statuses = tasks.map(({ taskDefinitionArn, lastStatus }) => `${taskDefinitionArn} ${lastStatus}`);
      expect(statuses.sort()).toEqual([
        `${first} RUNNING`,
        `${first} RUNNING`,
        `${second} PROVISIONING`,
        `${second} PROVISIONING`,
      ]);
    });

    it("are replaced by a deployment, and can still be described afterwards", async () => {
      await ecs.updateService(web, { taskDefinitionArn: second });
      await subject.complete(web);
      const running = await tasksOf(web, "RUNNING");
      expect(running.map(({ taskDefinitionArn }) => taskDefinitionArn)).toEqual([second, second]);
      const stopped = await tasksOf(web, "STOPPED");
      expect(stopped).toHaveLength(2);
      for (const task of stopped) {
        expect(task).toMatchObject({
          taskDefinitionArn: first,
          lastStatus: "STOPPED",
          stopCode: "ServiceSchedulerInitiated",
          stoppedReason: expect.any(String),
          containers: [{ lastStatus: "STOPPED" }, { lastStatus: "STOPPED" }],
        });
      }
    });

    it("of a failed deployment have stopped, while those of the previous one run", async () => {
      await subject.deployFailing(web, second);
      expect((await tasksOf(web, "RUNNING")).map(({ taskDefinitionArn }) => taskDefinitionArn)).toEqual([first, first]);
      const stopped = await tasksOf(web, "STOPPED");
      expect(stopped.length).toBeGreaterThan(0);
      for (const task of stopped) {
        expect(task).toMatchObject({ taskDefinitionArn: second, lastStatus: "STOPPED" });
        expect(task.stopCode).toMatch(/^(TaskFailedToStart|EssentialContainerExited)$/);
      }
    });

    it("are described in the requested order, without missing ones, and may be none", async () => {
      const [one = "", other = ""] = await ecs.listTasks(web, "RUNNING");
      const described = await ecs.describeTasks(clusterArn, [other, `${one.slice(0, -3)}000`, one]);
      expect(described.map(({ taskArn }) => taskArn)).toEqual([other, one]);
      expect(await ecs.describeTasks(clusterArn, [])).toEqual([]);
    });

    it("are not found for a service, or in a cluster, that doesn't exist", async () => {
      const missing = [subject.refOf("api"), serviceRef(elsewhere(web.serviceArn))];
      for (const ref of missing) {
        await expect(ecs.listTasks(ref, "RUNNING")).rejects.toMatchObject({ code: "service-not-found" });
      }
      const [taskArn = ""] = await ecs.listTasks(web, "RUNNING");
      const describing = ecs.describeTasks(elsewhere(clusterArn), [taskArn]);
      await expect(describing).rejects.toMatchObject({ code: "service-not-found" });
    });

    it("can be described by the hundreds", async () => {
      const many = await subject.createService("many", first, { desiredCount: 120 });
      const arns = await ecs.listTasks(many, "RUNNING");
      expect(new Set(arns).size).toBe(120);
      expect(await ecs.describeTasks(clusterArn, arns)).toHaveLength(120);
    });
  });

  describe("tags", () => {
    it("of a service are added, replaced and removed", async () => {
      await ecs.tagResource(web.serviceArn, { team: "mesh", stage: "prod" });
      expect((await ecs.describeService(web)).tags).toEqual({ team: "mesh", stage: "prod" });
      await ecs.untagResource(web.serviceArn, ["team", "nothing"]);
      expect((await ecs.describeService(web)).tags).toEqual({ stage: "prod" });
    });

    it("of a cluster are added, replaced and removed, and read at once", async () => {
      expect(await ecs.describeCluster(clusterArn)).toEqual({ clusterArn, tags: {} });
      await ecs.tagResource(clusterArn, { team: "mesh", stage: "prod" });
      expect(await ecs.describeCluster(clusterArn)).toEqual({ clusterArn, tags: { team: "mesh", stage: "prod" } });
      await ecs.untagResource(clusterArn, ["team"]);
      expect(await ecs.describeCluster(clusterArn)).toEqual({ clusterArn, tags: { stage: "prod" } });
    });

    it("of a cluster that others have set are read after five minutes, or if `fresh` is set", async () => {
      await ecs.describeCluster(clusterArn);
      await subject.tagCluster({ stage: "prod" });
      await subject.wait(5 * 60_000 - 1);
      expect((await ecs.describeCluster(clusterArn)).tags).toEqual({});
      await subject.wait(1);
      expect((await ecs.describeCluster(clusterArn)).tags).toEqual({ stage: "prod" });
      await subject.tagCluster({ stage: "test" });
      expect((await ecs.describeCluster(clusterArn)).tags).toEqual({ stage: "prod" });
      expect((await ecs.describeCluster(clusterArn, { fresh: true })).tags).toEqual({ stage: "test" });
      expect((await ecs.describeCluster(clusterArn)).tags).toEqual({ stage: "test" });
    });

    it("are refused for a service that doesn't exist, and a missing cluster is not found", async () => {
      const service = subject.refOf("api").serviceArn;
      const cluster = elsewhere(clusterArn);
      await expect(ecs.tagResource(service, { a: "b" })).rejects.toMatchObject({ code: "aws-rejected" });
      await expect(ecs.untagResource(service, ["a"])).rejects.toMatchObject({ code: "aws-rejected" });
      for (const call of [
        ecs.tagResource(cluster, { a: "b" }),
        ecs.untagResource(cluster, ["a"]),
        ecs.describeCluster(cluster),
      ]) {
        await expect(call).rejects.toMatchObject({ code: "service-not-found", retryable: false });
      }
    });
  });

  itThrowsFailures<EcsCalls>(
    {
      describeService: (port) => port.describeService(web),
      describeServices: (port) => port.describeServices(clusterArn, ["web"]),
      describeServiceEvents: (port) => port.describeServiceEvents(web),
      describeServiceDeployments: (port) => port.describeServiceDeployments(web, 0),
      describeTaskDefinition: (port) => port.describeTaskDefinition(first, { fresh: true }),
      describeLatestTaskDefinition: (port) => port.describeLatestTaskDefinition("web"),
      registerTaskDefinition: (port) => port.registerTaskDefinition(webDefinition),
      updateService: (port) => port.updateService(web, { taskDefinitionArn: second }),
      describeCluster: (port) => port.describeCluster(clusterArn, { fresh: true }),
      listClusters: (port) => Array.fromAsync(port.listClusters()),
      listServices: (port) => Array.fromAsync(port.listServices(clusterArn)),
      listTasks: (port) => port.listTasks(web, "RUNNING"),
      describeTasks: (port) => port.describeTasks(clusterArn, [web.serviceArn.replace(":service/", ":task/")]),
      tagResource: (port) => port.tagResource(web.serviceArn, { a: "b" }),
      untagResource: (port) => port.untagResource(web.serviceArn, ["a"]),
    },
    () => subject,
  );
});
