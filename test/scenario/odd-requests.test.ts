import { seededRandom } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { Lab } from "../../lab/autopilot/lab.ts";
import { labState } from "../../lab/server/state.ts";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { targets, tourStops } from "../engines/botocore/tour.ts";
import { mutated } from "../support/odd-json.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

type ServiceName = keyof typeof targets;
type Request = readonly [service: ServiceName, operation: string, input: JsonObject];

const MUTATIONS = 60;
const serviceNames = Object.keys(targets);

/** A request of every operation, as the tour and the lab's own functions make it. */
function requestsOf(lab: Lab, seen: ReadonlyMap<string, JsonObject>): readonly Request[] {
  const [service] = lab.ecs.allServices();
  const [roll] = lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn });
  if (!service || !roll) throw new Error("there is no service or no roll");
  const stops = tourStops({
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    taskArn: `${service.cluster.arn.replace(":cluster/", ":task/")}/0123456789abcdef0123456789abcdef`,
    serviceDeploymentArn: `${service.arn.replace(":service/", ":service-deployment/")}/1234567890`,
    stateMachineArn: lab.rollServiceArn,
    executionArn: roll.executionArn,
  });
  const own = [...seen].flatMap(([call, input]): Request[] => {
    const [name = "", operation = ""] = call.split(".");
    return isServiceName(name) ? [[name, operation, input]] : [];
  });
  const deployment = { serviceDeploymentArn: `${service.arn.replace(":service/", ":service-deployment/")}/1234567890` };
  const others: readonly Request[] = [
    ["ecs", "ContinueServiceDeployment", { ...deployment, hookId: "hook", action: "CONTINUE" }],
    ["ecs", "StopServiceDeployment", { ...deployment, stopType: "ROLLBACK" }],
    ["ecs", "ListClusters", { maxResults: 1 }],
    ["ecs", "ListServices", { cluster: service.cluster.arn, maxResults: 1 }],
    ["ecs", "StopTask", { cluster: service.cluster.arn, task: "0123456789abcdef0123456789abcdef", reason: "odd" }],
    ["ecs", "UntagResource", { resourceArn: service.arn, tagKeys: ["team"] }],
    ["secretsmanager", "ListSecrets", { MaxResults: 1, Filters: [{ Key: "name", Values: ["tour"] }] }],
    ["secretsmanager", "PutSecretValue", { SecretId: "tour", SecretString: "d", VersionStages: ["AWSCURRENT"] }],
    ["states", "DescribeExecution", { executionArn: roll.executionArn }],
  ];
  return [...stops, ...own, ...others];
}

function isServiceName(name: string): name is ServiceName {
  return serviceNames.includes(name);
}

/** What is wrong with an answer: it is a defect, or a refusal without a name and a sentence. */
function problemOf({ status, body }: { readonly status: number; readonly body: string }): string | undefined {
  if (status < 300) return undefined;
  const answer: Json = JSON.parse(body);
  const { __type: name, message } = isJsonObject(answer) ? answer : {};
  const isRefusal = typeof name === "string" && name !== "InternalFailure" && typeof message === "string";
  return status < 500 && isRefusal && message !== "" ? undefined : `${status} ${body.slice(0, 300)}`;
}

describe("odd requests", () => {
  it("are answered or refused by every operation, and the lab can still be read", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { lab } = driver;
      const seen = new Map<string, JsonObject>();
      lab.router.onCall(({ service, operation, input }) => void seen.set(`${service}.${operation}`, input));
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      const requests = requestsOf(lab, seen);
      const random = seededRandom(7);
      const failed = new Map<string, string>();
      const sendText = async (name: ServiceName, operation: string, body: string) => {
        const target = `${targets[name]}.${operation}`;
        const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" };
        const request = { method: "POST", path: "/", query: {}, headers, body };
        const problem = problemOf(await lab.simulator.handle(request, cart));
        if (problem) failed.set(`${name}.${operation}: ${problem}`, body.slice(0, 300));
      };
      const send = ([name, operation, input]: Request) => sendText(name, operation, JSON.stringify(input));
      for (const [name, operation, input] of requests) {
        await send([name, operation, input]);
        for (let nth = 0; nth < MUTATIONS; nth += 1) await send([name, operation, mutated(input, random)]);
        await sendText(name, operation, `{"tags":${"[".repeat(20_000)}null${"]".repeat(20_000)}}`);
        await sendText(name, operation, "not JSON");
      }
      // Executions that no function of the product would start.
      for (const input of ["{}", "[]", "7"])
        await send(["states", "StartExecution", { stateMachineArn: lab.rollServiceArn, input }]);
      for (const Time of [1e300, -1e15, 0])
        await send(["events", "PutEvents", { Entries: [{ Source: "a", DetailType: "b", Detail: "{}", Time }] }]);
      const Detail = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
      await send(["events", "PutEvents", { Entries: [{ Source: "a", DetailType: "b", Detail }] }]);
      expect(Object.fromEntries(failed)).toEqual({});
      const asked = new Set(requests.map(([name, operation]) => `${name}.${operation}`));
      const byJson = lab.router.operations().filter((one) => isServiceName(one.split(".")[0] ?? ""));
      expect(byJson.filter((one) => !asked.has(one))).toEqual([]);
      await driver.minutes(30);
      await expect(labState(lab)).resolves.toBeDefined();
    }));
});
