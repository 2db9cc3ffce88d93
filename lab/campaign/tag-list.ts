import type { Json } from "../../shared/base/json.ts";

/** The tags as a list, as ECS's API takes them. */
export function tagList(byKey: Readonly<Record<string, string>>): Json {
  return Object.entries(byKey).map(([key, value]) => ({ key, value }));
}
