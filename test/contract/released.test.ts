import { describe, expect, it } from "vitest";
import { runOf } from "../../lab/campaign/run.ts";
import { itemKindOf, Recording } from "../../lab/release/recording.ts";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { marked } from "../support/marked.ts";
import { asKnownTo, payloadsRead, readItem } from "../support/readers.ts";
import { readersOf, released } from "../support/released.ts";

describe.each(released())("what version $version has written", ({ items, payloads }) => {
  const all = Object.entries(items).flatMap(([kind, some]) => some.map((item) => ({ kind, item })));

  it("has every kind of item and the payloads of every step", () => {
    expect(Object.keys(items)).toEqual(
      expect.arrayContaining(["channel", "claim", "fleet", "mesh", "pace", "rollout", "rollout-service", "service"]),
    );
    expect(new Set(payloads.map(({ functionName }) => functionName))).toEqual(new Set(Object.keys(payloadsRead)));
  });

  it("is read: items, whole", () => {
    for (const { kind, item } of all) expect(readItem(kind, item)).toMatchObject(contentOf(item));
  });

  it("is read: items with members of a later version, which are kept", () => {
    for (const { kind, item } of all) {
      const later = marked(item);
      expect(readItem(kind, later)).toMatchObject(contentOf(later));
    }
  });

  it("is read: inputs and answers of steps, also with members of a later version", () => {
    for (const { functionName, input } of payloads) {
      const read = payloadsRead[functionName];
      expect(read?.(input), functionName).toBe(true);
      expect(read?.(marked(input)), functionName).toBe(true);
    }
  });
});

/**
 * Versions that read strictly: they refuse an item with a member that they don't know, so that a deployment of one of
 * them stops at every such item. Only that is expected of them. No version from 0.2.0 on is one of these.
 */
const strictVersions: readonly string[] = ["0.1.0"];

describe("what this version writes", () => {
  it.each(released().map(({ version }) => version))("is read by version %s", async (version) => {
    const readers = await readersOf(version);
    const recording = new Recording();
    await runOf(1, { keepRecords: false, onLedgerWrite: recording.item.bind(recording) });
    const isStrict = strictVersions.includes(version);
    for (const [kind, items] of Object.entries(recording.items())) {
      for (const item of items) readItem(kind, isStrict ? asKnownTo(readers, kind, item) : item, readers);
    }
  });
});

describe.each(released())("a roll of version $version that is to end", ({ payloads }) => {
  const ends = payloads.filter(({ functionName }) => /^roll\/(finish|revert)$/.test(functionName));
  const readsAll = (change: (input: JsonObject) => JsonObject) => {
    for (const { functionName, input } of ends) {
      const changed = isJsonObject(input) ? change(input) : {};
      expect(payloadsRead[functionName]?.(changed), JSON.stringify(changed)).toBe(true);
    }
  };
  const inPlan = (members: JsonObject) => (input: JsonObject) =>
    isJsonObject(input.plan) ? { ...input, plan: { ...input.plan, ...members } } : input;

  it.each<[string, (input: JsonObject) => JsonObject]>([
    ["a drift reason that this version doesn't know", inPlan({ drift: ["sidecar-stale"] })],
    ["a change that this version doesn't know", inPlan({ change: "relabel" })],
    ["an outcome of the plan that this version doesn't know", inPlan({ outcome: "postponed" })],
    ["a verdict that this version doesn't know", (input) => ({ ...input, failure: { verdict: "paused" } })],
    ["a failure of another shape", (input) => ({ ...input, failure: { problem: 1 } })],
    ["a cause of another shape", (input) => ({ ...input, cause: "out of memory" })],
    ["a watch of another shape", (input) => ({ ...input, watch: { deployment: 1 } })],
  ])("ends with %s", (_what, change) => readsAll(change));

  it.each(["clusterTags", "drift", "attemptKey", "content", "namespace", "rollout", "pinnedSecret"])(
    "ends without the plan's %s",
    (name) => readsAll((input) => (isJsonObject(input.plan) ? { ...input, plan: without(input.plan, name) } : input)),
  );

  it.each(["cause", "failure", "watch", "firstFailure", "attemptKey", "rollout"])("ends without %s", (name) =>
    readsAll((input) => without(input, name)),
  );
});

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

describe("a kind of item", () => {
  it("is known by its key", () => {
    expect(itemKindOf("SERVICE#arn:aws:ecs:a/b c STATE")).toBe("service");
    expect(itemKindOf("ROLLOUT#upgrade-one SERVICE#000001")).toBe("rollout-service");
    expect(itemKindOf("ROLLOUT#upgrade-one META")).toBe("rollout");
    expect(itemKindOf("CLAIM#secret 123456789012 us-east-1 a/b STATE")).toBe("claim");
  });
});

function contentOf({ pk: _, sk: __, ...content }: Readonly<Record<string, unknown>>): object {
  return content;
}
