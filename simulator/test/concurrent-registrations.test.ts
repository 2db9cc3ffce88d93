import { describe, expect, it } from "vitest";
import { Ecs } from "../aws/ecs/ecs.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";

const here = { account: "123456789012", region: "us-east-1" };
const target = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";

function ecs(latency: boolean) {
  const clock = new VirtualClock();
  const simulator = new Simulator({ clock, latency });
  simulator.add((context) => new Ecs(context));
  const register = async (family: string): Promise<string> => {
    const body = JSON.stringify({ family, containerDefinitions: [{ name: "web", image: "web:1", memory: 128 }] });
    const request = { method: "POST", path: "/", query: {}, headers: { "x-amz-target": target }, body };
    const answer = await simulator.handle(request, here);
    return `${answer.status} ${/Too many concurrent attempts|"revision":\d+/.exec(answer.body)?.[0]}`;
  };
  return { clock, register };
}

describe("registrations at the same time", () => {
  it("are refused within one family, and numbered one after the other", async () => {
    const { clock, register } = ecs(true);
    const answers = await clock.run(Promise.all(Array.from({ length: 5 }, () => register("web"))));
    expect(answers).toContain('200 "revision":1');
    expect(answers).toContain("400 Too many concurrent attempts");
    const taken = answers.filter((answer) => answer.startsWith("200"));
    expect(new Set(taken).size).toBe(taken.length);
    expect(await clock.run(register("web"))).toBe(`200 "revision":${taken.length + 1}`);
  });

  it("are taken in different families", async () => {
    const { clock, register } = ecs(true);
    expect(await clock.run(Promise.all(["a", "b", "c"].map(register)))).toEqual(Array(3).fill('200 "revision":1'));
  });

  it("are taken where calls take no time", async () => {
    const { clock, register } = ecs(false);
    const answers = await clock.run(Promise.all([register("web"), register("web")]));
    expect(answers).toEqual(['200 "revision":1', '200 "revision":2']);
  });
});
