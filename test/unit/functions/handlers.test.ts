import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN, type Lab } from "../../../lab/autopilot/lab.ts";
import type { Json } from "../../../shared/base/json.ts";
import { web } from "../../support/arns.ts";
import { eventFixture } from "../../support/event-fixtures.ts";
import { readyLab } from "../../support/labs.ts";

const enrolled = eventFixture("service-enrolled");

async function onLab<T>(
  work: (
    lab: Lab,
    run: (name: string, event: Json) => Promise<Json>,
    advance: (ms: number) => Promise<void>,
  ) => Promise<T>,
): Promise<T> {
  const { lab, clock, run } = await readyLab();
  return work(lab, run, (ms) => clock.advance(ms));
}

const event = (source: string, detailType: string, detail: object, resources: string[] = []): Json => ({
  source,
  "detail-type": detailType,
  account: web.account,
  region: web.region,
  resources,
  detail: { ...detail },
});

describe("the function notify-slack", () => {
  it("posts one message about an event to the channel", async () => {
    await onLab(async (lab, run) => {
      expect(await run("notify-slack", enrolled)).toEqual({ did: "posted" });
      expect(lab.slack.messages()).toHaveLength(1);
      expect(lab.slack.messages()[0]?.text).toContain("ecs-demo/shell-task");
    });
  });

  it("retries a burst of messages at Slack's pace", async () => {
    await onLab(async (lab, run) => {
      for (const name of ["service-enrolled", "service-refused", "service-roll-superseded"]) {
        expect(await run("notify-slack", eventFixture(name))).toEqual({ did: "posted" });
      }
      expect(lab.slack.messages()).toHaveLength(3);
      expect(lab.lambda.deadLetters).toEqual([]);
    });
  });

  it("keeps the news while Slack is down, without its token in the log", async () => {
    await onLab(async (lab, run, advance) => {
      lab.faults.replace([{ kind: "slack-down" }]);
      expect(await run("notify-slack", enrolled)).toEqual({ did: "unavailable" });
      expect(JSON.stringify(lab.logs)).toContain("slack-unavailable");
      expect(JSON.stringify(lab.logs)).not.toContain(LAB_SLACK_TOKEN);
      lab.faults.replace([]);
      // Slack that has failed is asked once a minute.
      await advance(60_000);
      expect(await run("notify-slack", enrolled)).toEqual({ did: "posted" });
    });
  });
});

describe("the function watch-root-ca", () => {
  it("reads every control plane into the ledger", async () => {
    await onLab(async (lab, run) => {
      expect(await run("watch-root-ca", {})).toEqual({ read: 1, changed: 0, expiring: 0, retirable: 0 });
      expect((await lab.ledger.getMeshFacts("main"))?.network).toBe("main");
    });
  });
});

describe("the metric RootCaDaysLeft of watch-root-ca", () => {
  const daysLeft = (lab: Lab) =>
    lab.logs.flatMap(({ line }) =>
      [...line.matchAll(/"controlPlane":"(\w+)","RootCaDaysLeft":(-?\d+)/g)].map((m) => m[0]),
    );

  it("is recorded for every control plane, even if it can't be reached", async () => {
    await onLab(async (lab, run) => {
      await run("watch-root-ca", {});
      const before = daysLeft(lab);
      expect(before).toHaveLength(1);
      lab.faults.replace([{ kind: "kubernetes-down" }]);
      await expect(run("watch-root-ca", {})).rejects.toMatchObject({ name: "Autopilot.Retryable" });
      expect(daysLeft(lab)).toEqual([...before, ...before]);
      expect(lab.logs.filter(({ line }) => line.includes("ControlPlanesRead"))).toHaveLength(1);
    });
  });
});

describe("the function reconcile-service", () => {
  it("fails as service-not-found for an unknown service, and changes nothing", async () => {
    await onLab(async (lab, run) => {
      const deployed = event("ztunnel-autopilot", "Service Enrolled", { serviceArn: web.serviceArn });
      await expect(run("reconcile-service", deployed)).rejects.toMatchObject({
        name: "Autopilot.Terminal",
        message: expect.stringMatching(/^service-not-found: .*DescribeServices web/),
      });
      expect(await lab.ledger.getService(web.serviceArn)).toBeUndefined();
      expect(lab.logs.map(({ line }) => line).filter((line) => line.includes("service-not-found"))).toHaveLength(2);
    });
  });

  it("ignores events that other functions handle", async () => {
    await onLab(async (lab, run) => {
      const rotated = event("ztunnel-autopilot.operator", "Root CA Rotated", {});
      expect(await run("reconcile-service", rotated)).toEqual({ did: "nothing" });
      expect(lab.logs.map(({ line }) => line)).toEqual([expect.stringContaining("root-ca-rotated")]);
    });
  });
});

describe("the function signal-deployment", () => {
  it("ignores a deployment that no roll waits for, without a log line", async () => {
    await onLab(async (lab, run) => {
      const detail = { eventName: "SERVICE_DEPLOYMENT_COMPLETED", deploymentId: "ecs-svc/1", reason: "" };
      const completed = event("aws.ecs", "ECS Deployment State Change", detail, [web.serviceArn]);
      expect(await run("signal-deployment", completed)).toEqual({ did: "unheard" });
      expect(lab.logs).toEqual([]);
    });
  });
});

describe("the function sweep-services", () => {
  it("returns its numbers and records them as metrics", async () => {
    await onLab(async (lab, run) => {
      expect(await run("sweep-services", {})).toMatchObject({ seen: 0, started: 0, failed: 0 });
      const metrics = lab.logs.map(({ line }) => line).filter((line) => line.includes("_aws"));
      expect(metrics.join()).toContain("SweptServices");
    });
  });
});
