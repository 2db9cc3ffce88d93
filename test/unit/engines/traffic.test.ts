import { describe, expect, it } from "vitest";
import { unheard, waysApart } from "../../engines/botocore/traffic.ts";

const call = { service: "ecs", operation: "TagResource", input: { tags: [{ key: "a", value: "b" }] }, output: {} };
const direct = { ...call, run: "campaign 1, direct" };
const sdk = { ...call, run: "campaign 1, SDK" };

describe("both ways of a call", () => {
  it("agree in another order and with other values", () => {
    const other = { ...sdk, input: { tags: [{ value: "c", key: "d" }] } };
    expect(waysApart([direct, other, { ...sdk, run: "npm start", input: { more: 1 } }])).toEqual([]);
  });

  it("differ in a member that the SDK drops, and in a value that it writes otherwise", () => {
    expect(waysApart([{ ...direct, input: { ...call.input, typo: true } }, sdk])).toEqual([
      "only a direct call has ecs.TagResource input.typo: boolean",
    ]);
    expect(
      waysApart([
        { ...direct, output: { at: "2026" } },
        { ...sdk, output: { at: 1 } },
      ]),
    ).toEqual([
      "only a direct call has ecs.TagResource output.at: string",
      "only the SDK's call has ecs.TagResource output.at: number",
    ]);
  });

  it("don't differ by the keys of a map", () => {
    const versions = (id: string) => ({ versions: { [id]: ["AWSCURRENT"] } });
    expect(
      waysApart([
        { ...direct, output: versions("1-a") },
        { ...sdk, output: versions("2-b") },
      ]),
    ).toEqual([]);
  });

  it("don't differ by what only one of them was answered, or has called", () => {
    const refused = { ...direct, error: "AccessDenied", status: 403, output: undefined };
    const stopped = { ...direct, output: { stoppedAt: 1 } };
    const other = { ...sdk, operation: "UntagResource", input: { keys: ["a"] } };
    expect(waysApart([direct, refused, stopped, sdk, other])).toEqual([]);
  });
});

describe("an operation", () => {
  it("is unheard until a call of it has succeeded", () => {
    const operations = ["ecs.TagResource", "ecs.UntagResource"];
    const failed = { ...sdk, operation: "UntagResource", error: "ClientException", status: 400 };
    expect(unheard({ calls: [sdk, failed], operations })).toEqual(["no call of ecs.UntagResource has succeeded"]);
  });
});
