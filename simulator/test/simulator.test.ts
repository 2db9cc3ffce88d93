import { describe, expect, it } from "vitest";
import { Ecs } from "../aws/ecs/ecs.ts";
import { EventBridge } from "../aws/event-bridge/event-bridge.ts";
import { SecretsManager } from "../aws/secrets-manager/secrets-manager.ts";
import { Ssm } from "../aws/ssm/ssm.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { SimulatorContext } from "../core/connections.ts";
import type { AwsService } from "../core/service.ts";
import { Simulator } from "../core/simulator.ts";

const here = { account: "123456789012", region: "us-east-1" };

/** A service of a user's own: a counter that announces every tenth count. */
class Counter implements AwsService {
  readonly name = "counter";
  readonly protocol = { kind: "awsJson1_0", target: "Counter_20260101" } as const;
  readonly operations = { Count: () => this.#next() };
  readonly #context: SimulatorContext;
  #count = 0;

  constructor(context: SimulatorContext) {
    this.#context = context;
  }

  #next(): Json {
    this.#count += 1;
    if (this.#count % 10 === 0) {
      const time = new Date(this.#context.clock.now()).toISOString();
      const members = {
        source: "counter",
        "detail-type": "Tenth Count",
        resources: [],
        detail: { count: this.#count },
      };
      this.#context.events.publish({ version: "0", id: String(this.#count), time, ...here, ...members });
    }
    return { count: this.#count };
  }
}

function call(simulator: Simulator, target: string, input: JsonObject = {}) {
  const headers = { "x-amz-target": target };
  return simulator.handle({ method: "POST", path: "/", query: {}, headers, body: JSON.stringify(input) }, here);
}

/** What functions get, and when. */
function recordedEvents(simulator: Simulator) {
  const delivered: { readonly to: string; readonly event: Json; readonly atMs: number }[] = [];
  simulator.context.functions.provide({
    invoke: async () => null,
    invokeAsync: (to, event) => delivered.push({ to, event, atMs: simulator.context.clock.now() }),
  });
  return delivered;
}

describe("a simulator", () => {
  it("takes a service of one's own, with events that go to rules", async () => {
    const clock = new VirtualClock();
    const simulator = new Simulator({ clock });
    simulator.add((context) => new Counter(context));
    const eventBridge = simulator.add((context) => new EventBridge(context));
    eventBridge.putRule(here, { name: "tens", pattern: { source: ["counter"] }, targets: ["watch"] });
    const delivered = recordedEvents(simulator);
    for (let times = 0; times < 10; times += 1) await call(simulator, "Counter_20260101.Count");
    await clock.advance(1000);
    expect(delivered).toMatchObject([{ to: "watch", event: { detail: { count: 10 } } }]);
    expect(simulator.router.calls()).toEqual({ "counter.Count": 10 });
  });

  it("strikes a new service's calls with faults, as any others", async () => {
    const simulator = new Simulator({ clock: new VirtualClock() });
    simulator.add((context) => new Counter(context));
    simulator.faults.add({ kind: "api-error", match: { call: "counter.*" }, error: "InternalServerError", count: 1 });
    expect((await call(simulator, "Counter_20260101.Count")).status).toBe(500);
    expect((await call(simulator, "Counter_20260101.Count")).status).toBe(200);
  });

  it.each([
    ["last", ["ecs", "secrets", "events"]],
    ["first", ["events", "secrets", "ecs"]],
  ])("connects services whichever came first: EventBridge %s", async (_when, order) => {
    const clock = new VirtualClock();
    const simulator = new Simulator({ clock });
    const delivered = recordedEvents(simulator);
    const rule = { name: "all", pattern: { source: ["aws.ecs"] }, targets: ["watch"] };
    for (const which of order) {
      if (which === "ecs") simulator.add((context) => new Ecs(context));
      if (which === "secrets") simulator.add((context) => new SecretsManager(context));
      if (which === "events") simulator.add((context) => new EventBridge(context)).putRule(here, rule);
    }
    await call(simulator, "AmazonEC2ContainerServiceV20141113.CreateCluster", { clusterName: "shop" });
    await call(simulator, "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition", {
      family: "web",
      executionRoleArn: "arn:aws:iam::123456789012:role/web",
      containerDefinitions: [
        {
          name: "web",
          image: "web:1",
          memory: 64,
          secrets: [{ name: "TOKEN", valueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone-AbCdEf" }],
        },
      ],
    });
    await call(simulator, "AmazonEC2ContainerServiceV20141113.CreateService", {
      cluster: "shop",
      serviceName: "web",
      taskDefinition: "web",
      desiredCount: 1,
    });
    await clock.advance(120_000);
    const stopped = delivered.map(({ event }) => (isJsonObject(event) ? JSON.stringify(event.detail) : ""));
    expect(stopped).toContainEqual(expect.stringContaining("ResourceNotFoundException"));
  });

  it("says which service is missing when another one needs it", () => {
    const { context } = new Simulator({ clock: new VirtualClock() });
    expect(() => context.secretReader.get()).toThrow(
      "no service of this simulator provides secrets: add Secrets Manager",
    );
  });

  it("does the same for a seed, and something else for another one", async () => {
    const answers = async (seed: number) => {
      const simulator = new Simulator({ clock: new VirtualClock(), seed });
      simulator.add((context) => new SecretsManager(context));
      return (await call(simulator, "secretsmanager.CreateSecret", { Name: "a", SecretString: "b" })).body;
    };
    expect(await answers(7)).toBe(await answers(7));
    expect(await answers(7)).not.toBe(await answers(8));
  });

  it("loses the events that nobody follows", async () => {
    const simulator = new Simulator({ clock: new VirtualClock() });
    simulator.add((context) => new Ssm(context));
    const put = { Name: "/a", Value: "b", Type: "String" };
    expect((await call(simulator, "AmazonSSM.PutParameter", put)).status).toBe(200);
  });
});
