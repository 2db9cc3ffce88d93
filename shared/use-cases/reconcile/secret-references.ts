import { SECRET_NAME_PREFIX } from "../../base/vocabulary.ts";

const PINNED = new RegExp(`arn:aws[\\w-]*:secretsmanager:[^"]*?:secret:${SECRET_NAME_PREFIX}[^"]*`, "g");

/** Every reference to one of our secrets in a task definition. */
export function secretReferences(definition: unknown): readonly string[] {
  if (definition === undefined) return [];
  const references = JSON.stringify(definition).match(PINNED) ?? [];
  // Copy the match: V8 keeps the whole text alive as long as a substring of it.
  return references.map((reference) => Buffer.from(reference).toString());
}
