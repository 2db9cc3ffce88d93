import type { Json } from "../../shared/base/json.ts";

/** Tags as ECS's calls take them. */
export function tagList(byKey: Readonly<Record<string, string>>): Json {
  return Object.entries(byKey).map(([key, value]) => ({ key, value }));
}
