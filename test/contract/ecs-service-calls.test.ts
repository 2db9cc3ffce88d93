import { beforeEach, describe, expect, it } from "vitest";
import { clusterArnOf, type ServiceRef, serviceRef } from "../../shared/base/arn.ts";
import type { Deployment } from "../../shared/model/service.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { type EcsSubject, ecsSubjects } from "./support/ecs-subjects.ts";
import { webDefinition } from "./support/web-definition.ts";

describe.each(ecsSubjects)("the services %s", (_name, open) => {
  let subject: EcsSubject;
  let ecs: EcsCalls;
  let clusterArn: string;
  let first: string;
  let second: string;
  beforeEach(async () => {
    subject = await open();
    ecs = subject.port;
    clusterArn = clusterArnOf(subject.refOf("web"));
    first = await ecs.registerTaskDefinition(webDefinition);
    second = await ecs.registerTaskDefinition({ ...webDefinition, memory: "1024" });
  });

  const elsewhere = (ref: ServiceRef) => serviceRef(ref.serviceArn.replace("/shop/", "/nowhere/"));
  const deploymentsOf = async (ref: ServiceRef) => (await ecs.describeService(ref)).deployments;
  const primaryOf = async (ref: ServiceRef) => {
    const [primary] = await deploymentsOf(ref);
    if (primary?.status !== "PRIMARY") throw new Error("the first deployment is not the PRIMARY one");
    return primary;
  };
  const shortly = (deployments: readonly Deployment[]) =>
    deployments.map(({ status, rolloutState, taskDefinitionArn }) => [status, rolloutState, taskDefinitionArn]);

  describe("described", () => {
    it("have their task definition, their deployments and their tags", async () => {
      const ref = await subject.createService("web", first, { tags: { team: "shop" } });
      expect(await ecs.describeService(ref)).toEqual({
        ref,
        status: "ACTIVE",
        createdAtMs: expect.any(Number),
        taskDefinitionArn: first,
        deploymentController: "ECS",
        deploymentStrategy: "ROLLING",
        hasPauseHook: false,
        strategyMinutes: 0,
        schedulingStrategy: "REPLICA",
        deploymentPercents: { minimumHealthy: 100, maximum: 200 },
        placementExpressions: [],
        resourceManagement: "CUSTOMER",
        usesServiceConnect: false,
        launchType: "FARGATE",
        platformVersion: "LATEST",
        desiredCount: 2,
        propagateTags: "NONE",
        deployments: [
          {
            id: expect.stringMatching(/^ecs-svc\//),
            status: "PRIMARY",
            taskDefinitionArn: first,
            rolloutState: "COMPLETED",
            rolloutStateReason: expect.any(String),
            failedTasks: 0,
            desiredCount: 2,
            runningCount: 2,
          },
        ],
        tags: { team: "shop" },
      });
    });

    it("are not found if the service or the cluster doesn't exist", async () => {
      const ref = await subject.createService("web", first);
      for (const missing of [subject.refOf("api"), elsewhere(ref)]) {
        await expect(ecs.describeService(missing)).rejects.toMatchObject({
          code: "service-not-found",
          retryable: false,
        });
      }
    });

    it("are in the requested order, without missing ones", async () => {
      for (const name of ["api", "cart", "web"]) await subject.createService(name, first);
      const found = await ecs.describeServices(clusterArn, ["web", "none", "api"]);
      expect(found.map(({ ref }) => ref.serviceName)).toEqual(["web", "api"]);
      expect(found[0]).toEqual(await ecs.describeService(subject.refOf("web")));
      expect(await ecs.describeServices(clusterArn, ["none"])).toEqual([]);
    });

    it("are one to ten services of an existing cluster", async () => {
      const names = Array.from({ length: 11 }, (_, nth) => `web-${nth}`);
      expect(await ecs.describeServices(clusterArn, names.slice(1))).toEqual([]);
      for (const given of [names, []]) {
        await expect(ecs.describeServices(clusterArn, given)).rejects.toMatchObject({ code: "aws-rejected" });
      }
      const nowhere = clusterArnOf(elsewhere(subject.refOf("web")));
      await expect(ecs.describeServices(nowhere, ["web"])).rejects.toMatchObject({ code: "service-not-found" });
    });

    it("are INACTIVE after their deletion", async () => {
      const ref = await subject.createService("web", first);
      await subject.deleteService(ref);
      expect(await ecs.describeService(ref)).toMatchObject({ status: "INACTIVE", desiredCount: 0 });
    });
  });

  describe("listed", () => {
    it("are those of the cluster on all pages, without deleted ones", async () => {
      const names = Array.from({ length: 103 }, (_, nth) => `web-${nth}`);
      for (const name of names) await subject.createService(name, first, { desiredCount: 0 });
      await subject.deleteService(subject.refOf("web-0"));
      const listed = await Array.fromAsync(ecs.listServices(clusterArn));
      expect(listed.sort()).toEqual(
        names
          .slice(1)
          .map((name) => subject.refOf(name).serviceArn)
          .sort(),
      );
      expect(await Array.fromAsync(ecs.listClusters())).toEqual([clusterArn]);
    });

    it("are not found in a cluster that doesn't exist", async () => {
      const nowhere = clusterArnOf(elsewhere(subject.refOf("web")));
      await expect(Array.fromAsync(ecs.listServices(nowhere))).rejects.toMatchObject({ code: "service-not-found" });
    });
  });

  describe("updated", () => {
    it("have a new primary deployment in progress, and the previous one", async () => {
      const ref = await subject.createService("web", first);
      const before = await primaryOf(ref);
      const updated = await ecs.updateService(ref, { taskDefinitionArn: second });
      expect(updated.taskDefinitionArn).toBe(second);
      expect(shortly(updated.deployments)).toEqual([
        ["PRIMARY", "IN_PROGRESS", second],
        ["ACTIVE", "COMPLETED", first],
      ]);
      expect(updated.deployments[0]).toMatchObject({ desiredCount: 2, runningCount: 0, failedTasks: 0 });
      expect(updated.deployments[1]).toMatchObject({ id: before.id, runningCount: 2 });
      expect(await ecs.describeService(ref)).toEqual(updated);
    });

    it("have only the primary deployment once it has completed", async () => {
      const ref = await subject.createService("web", first);
      const [started] = (await ecs.updateService(ref, { taskDefinitionArn: second })).deployments;
      await subject.complete(ref);
      expect(await deploymentsOf(ref)).toMatchObject([
        { id: started?.id, status: "PRIMARY", rolloutState: "COMPLETED", desiredCount: 2, runningCount: 2 },
      ]);
    });

    it("are not deployed for their current revision, unless that is forced", async () => {
      const ref = await subject.createService("web", first);
      const before = await ecs.describeService(ref);
      expect(await ecs.updateService(ref, { taskDefinitionArn: first })).toEqual(before);
      const forced = await ecs.updateService(ref, { taskDefinitionArn: first, forceNewDeployment: true });
      expect(shortly(forced.deployments)).toEqual([
        ["PRIMARY", "IN_PROGRESS", first],
        ["ACTIVE", "COMPLETED", first],
      ]);
      expect(forced.deployments[0]?.id).not.toBe(before.deployments[0]?.id);
    });

    it("are not deployed either when they only propagate their tags from now on", async () => {
      const ref = await subject.createService("web", first);
      const before = await ecs.describeService(ref);
      expect(await ecs.updateService(ref, { propagateTags: true })).toEqual({ ...before, propagateTags: "SERVICE" });
      expect(await ecs.describeService(ref)).toMatchObject({ propagateTags: "SERVICE" });
    });

    it("during a deployment drain that deployment, too", async () => {
      const ref = await subject.createService("web", first);
      const third = await ecs.registerTaskDefinition({ ...webDefinition, memory: "2048" });
      await ecs.updateService(ref, { taskDefinitionArn: second });
      const updated = await ecs.updateService(ref, { taskDefinitionArn: third });
      expect(shortly(updated.deployments)).toEqual([
        ["PRIMARY", "IN_PROGRESS", third],
        ["ACTIVE", "IN_PROGRESS", second],
        ["ACTIVE", "COMPLETED", first],
      ]);
      await subject.complete(ref);
      expect(shortly(await deploymentsOf(ref))).toEqual([["PRIMARY", "COMPLETED", third]]);
    });

    it("keep a failed deployment while the previous one still runs", async () => {
      const ref = await subject.createService("web", first);
      await subject.deployFailing(ref, second);
      const failed = await ecs.describeService(ref);
      expect(failed.taskDefinitionArn).toBe(second);
      expect(shortly(failed.deployments)).toEqual([
        ["PRIMARY", "FAILED", second],
        ["ACTIVE", "COMPLETED", first],
      ]);
      expect(failed.deployments[0]).toMatchObject({
        rolloutStateReason: expect.stringContaining("failed to start"),
        failedTasks: expect.toSatisfy((count: number) => count >= 3),
        runningCount: 0,
      });
      expect(failed.deployments[1]).toMatchObject({ runningCount: 2 });
    });

    it("run the previous deployment again, with its id, if ECS rolls back", async () => {
      const ref = await subject.createService("web", first, { rollsBack: true });
      const before = await primaryOf(ref);
      await subject.deployFailing(ref, second);
      const after = await ecs.describeService(ref);
      expect(after.taskDefinitionArn).toBe(first);
      expect(after.deployments).toMatchObject([{ id: before.id, rolloutState: "COMPLETED", runningCount: 2 }]);
    });

    it("are refused with a revision that doesn't exist or was deregistered", async () => {
      const ref = await subject.createService("web", first);
      await subject.deregister(second);
      for (const taskDefinitionArn of [second, `${first}9`]) {
        await expect(ecs.updateService(ref, { taskDefinitionArn })).rejects.toMatchObject({
          code: "update-refused",
          retryable: false,
        });
      }
      expect((await ecs.describeService(ref)).taskDefinitionArn).toBe(first);
    });

    it("are refused after their deletion, and not found if they don't exist", async () => {
      const ref = await subject.createService("web", first);
      await subject.deleteService(ref);
      const change = { taskDefinitionArn: second };
      await expect(ecs.updateService(ref, change)).rejects.toMatchObject({ code: "update-refused" });
      for (const missing of [subject.refOf("api"), elsewhere(ref)]) {
        await expect(ecs.updateService(missing, change)).rejects.toMatchObject({ code: "service-not-found" });
      }
    });

    it("are refused with another deployment controller", async () => {
      const ref = await subject.createService("web", first, { deploymentController: "CODE_DEPLOY" });
      expect(await ecs.describeService(ref)).toMatchObject({ deploymentController: "CODE_DEPLOY", deployments: [] });
      const updating = ecs.updateService(ref, { taskDefinitionArn: second });
      await expect(updating).rejects.toMatchObject({ code: "update-refused" });
    });
  });
});
