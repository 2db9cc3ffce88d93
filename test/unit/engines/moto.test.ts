import { describe, expect, it } from "vitest";
import { withReasons } from "../../engines/listed.ts";
import { type Answer, differencesOf } from "../../engines/moto/compare.ts";
import { listed } from "../../engines/moto/listed.ts";

const answer = (output: Record<string, unknown>, operation = "ecs.list_services"): Answer => {
  return { what: "all services", operation, output };
};
const refusal = (code: string, status: number): Answer => {
  return { what: "all services", operation: "ecs.list_services", error: { code, status } };
};

describe("two answers to one call", () => {
  it("are the same with other ids, and in any order where none is promised", () => {
    const [one, other] = ["9c1d7f3a-8e52-4f0b-a6d4-2b7e5c901f38", "1a2b3c4d-0000-4fff-8fff-123456789abc"];
    expect(
      differencesOf(answer({ serviceArns: ["b", "a"], id: one }), answer({ serviceArns: ["a", "b"], id: other })),
    ).toEqual([]);
  });

  it("differ by order where one is promised", () => {
    const definitions = (...taskDefinitionArns: readonly string[]) =>
      answer({ taskDefinitionArns }, "ecs.list_task_definitions");
    expect(differencesOf(definitions("b", "a"), definitions("a", "b"))).toHaveLength(2);
  });

  it("differ by a member, by the number of items and by the error", () => {
    expect(differencesOf(answer({ serviceArns: ["a"], nextToken: "x" }), answer({ serviceArns: [] }))).toEqual([
      "ecs.list_services nextToken: only the lab has it",
      "ecs.list_services serviceArns: lab has 1 items, moto 0",
    ]);
    expect(differencesOf(refusal("ClusterNotFoundException", 400), answer({}))).toEqual([
      "ecs.list_services (all services): lab ClusterNotFoundException (400), moto succeeds",
    ]);
  });
});

describe("the list of moto's differences", () => {
  it("names one operation in each entry, once, without wildcards", () => {
    const whats = listed.map(({ what }) => what);
    expect(whats.filter((what) => !/^[a-z]+\.[a-z_]+ [^*]+$/.test(what))).toEqual([]);
    expect(whats).toEqual([...new Set(whats)]);
  });

  it("gives every entry a source", () => {
    expect(listed.filter(({ reason }) => !/https:\/\/|service-2\.json\.gz/.test(reason))).toEqual([]);
  });

  it("fails by an entry that no answer has any more", () => {
    const [gone, ...found] = listed.map(({ what }) => what);
    const open = withReasons(found, listed, { quick: false }).filter((difference) => difference.listed === undefined);
    expect(open).toEqual([{ what: `listed, but it does not occur any more: ${gone}` }]);
  });
});
