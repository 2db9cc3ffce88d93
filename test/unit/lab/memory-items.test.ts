import fc from "fast-check";
import { expect, it } from "vitest";
import { copyOf } from "../../../lab/ledger/memory-items.ts";

it("the memory ledger's copies are what JSON text would carry, with every name of a member", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value: unknown = JSON.parse(text);
      expect(JSON.stringify(copyOf(value))).toBe(JSON.stringify(value));
    }),
  );
  const named = '{"__proto__":{"a":1},"b":[{"__proto__":"c"}]}';
  expect(JSON.stringify(copyOf(JSON.parse(named)))).toBe(named);
});
