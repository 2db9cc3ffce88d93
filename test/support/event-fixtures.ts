import { readdirSync, readFileSync } from "node:fs";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";

const folder = new URL("../fixtures/events/", import.meta.url);

/** The names of the sample events. */
export const eventFixtureNames: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(/\.json$/, ""));

/** A sample event of test/fixtures/events by its name. */
export function eventFixture(name: string): JsonObject {
  const event: unknown = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
  if (!isJsonObject(event)) throw new TypeError(`${name} is not an event`);
  return event;
}
