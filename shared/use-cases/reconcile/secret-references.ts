import { commonKeys } from "../../base/vocabulary.ts";

/** Every reference in a task definition to a secret whose name begins so. */
export function secretReferences(definition: unknown, prefix: string = commonKeys.prefix): readonly string[] {
  if (definition === undefined) return [];
  const pinned = new RegExp(`arn:aws[\\w-]*:secretsmanager:[^":]*:[^":]*:secret:${prefix}[^"]*`, "g");
  const references = JSON.stringify(definition).match(pinned) ?? [];
  // Copy the match: V8 keeps the whole text alive as long as a substring of it.
  return references.map((reference) => Buffer.from(reference).toString());
}
