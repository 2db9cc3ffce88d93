import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

function content(value: Json): string {
  if (isJsonObject(value)) return xmlElements(value);
  if (Array.isArray(value)) return value.map((item: Json) => `<member>${content(item)}</member>`).join("");
  return value === null ? "" : escaped(String(value));
}

/** The members of an object as XML elements, the way AWS's query protocol writes a response: lists as `member`s. */
export function xmlElements(value: JsonObject): string {
  return Object.entries(value)
    .map(([name, inner]) => `<${name}>${content(inner)}</${name}>`)
    .join("");
}
