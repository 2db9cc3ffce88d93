import { describe, expect, it } from "vitest";
import * as z from "zod";
import { isJsonObject } from "../../../shared/base/json.ts";
import { openObject } from "../../../shared/base/lenient.ts";

const schema = openObject({
  image: z.string().optional(),
  inner: openObject({ count: z.int().optional() }).optional(),
});

describe("what another version has written", () => {
  it("keeps members that this version doesn't know", () => {
    expect(schema.parse({ image: "a", later: 1, inner: { later: 2 } })).toEqual({
      image: "a",
      later: 1,
      inner: { later: 2 },
    });
  });

  it("has no member by its prototype, which nothing would have checked", () => {
    const read = schema.parse(JSON.parse('{"__proto__":{"image":7},"inner":{"__proto__":{"count":"x"}}}'));
    expect([read.image, read.inner?.count]).toEqual([undefined, undefined]);
    expect(
      [read, read.inner].every((one) => isJsonObject(one) && Object.getPrototypeOf(one) === Object.prototype),
    ).toBe(true);
  });
});
