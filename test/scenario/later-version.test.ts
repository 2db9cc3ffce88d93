import { describe, expect, it } from "vitest";
import { itemKindOf } from "../../lab/release/recording.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { MARK, marked, pathsOfMarks } from "../support/marked.ts";
import { bothRoots, NEW_IMAGE, onFleet } from "./support/rollouts.ts";

/** Writes every item again as a later version would: each object in it has a member that this version doesn't know. */
function markAll(items: Map<string, object>): void {
  for (const [name, item] of items) if (isJsonObject(item)) items.set(name, marked(item));
}

/** The items that lack a mark, and the marks that each kind has, with the places of lists left out. */
function marksIn(items: ReadonlyMap<string, object>, before: ReadonlyMap<string, object>) {
  const lost = [...before.keys()].filter((name) => items.has(name) && !(MARK in (items.get(name) ?? {})));
  const paths = [...items].flatMap(([name, item]) =>
    pathsOfMarks(item).map((path) => `${itemKindOf(name)}${path.replace(/\[\d+\]/g, "[]")}`),
  );
  return { lost, paths: new Set(paths) };
}

describe("items that a later version has written", () => {
  it("are read, and keep its members while a fleet is upgraded and rotated", async () => {
    const items = new Map<string, object>();
    await onFleet(
      { services: 8, items, rollout: { canaryCount: 1, waves: [50, 100], bakeMinutes: 2 } },
      async (driver) => {
        await driver.minutes(20);
        await driver.requestUpgrade();
        await driver.minutes(1);
        markAll(items);
        const before = new Map(items);
        await driver.untilStatus("completed");
        expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
        driver.setRootCa(bothRoots);
        await driver.minutes(90);
        const { lost, paths } = marksIn(items, before);
        expect(lost).toEqual([]);
        for (const path of [
          "fleet",
          "fleet.requestedFor",
          "mesh",
          "mesh.notified",
          "mesh.generations[]",
          "mesh.generations[].facts",
          "rollout",
          "rollout.scope",
          "rollout.overrides",
          "rollout.target",
          "rollout.before",
          "rollout.waves[]",
          "rollout.waves[].lanes[]",
          "rollout.slack",
          "rollout-service",
          "service",
          "service.held[]",
          "claim",
          "pace",
        ])
          expect(paths).toContain(path);
      },
    );
  });
});
