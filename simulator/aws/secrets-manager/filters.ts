import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { enums } from "../enums.ts";
import type { Secret } from "./store.ts";

/** What ListSecrets can filter by. */
const filterKeys = enums.secretsmanager.FilterNameStringType;
export interface Filter {
  readonly Key: (typeof filterKeys)[number];
  readonly Values: readonly string[];
}

/**
 * The texts of a secret that a key is about. No secret here is another region's replica, or belongs to a service.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
 */
function textsOf(secret: Secret, key: Filter["Key"]): readonly string[] {
  switch (key) {
    case "name":
      return [secret.name];
    case "description":
      return [secret.description ?? ""];
    case "tag-key":
      return [...secret.tags.keys()];
    case "tag-value":
      return [...secret.tags.values()];
    case "primary-region":
    case "owning-service":
      return [];
    case "all":
      return [secret.name, secret.description ?? "", ...secret.tags.keys(), ...secret.tags.values()];
  }
}

/** Whether a secret fits a filter: one of its values. A value with `!` in front fits what the rest does not. */
export function fits(secret: Secret, { Key, Values }: Filter): boolean {
  const texts = textsOf(secret, Key);
  const holds = (value: string) => texts.some((text) => matchesValue(Key, text, value));
  return Values.some((value) => (value.startsWith("!") ? !holds(value.slice(1)) : holds(value)));
}

function matchesValue(key: Filter["Key"], text: string, value: string): boolean {
  if (key === "description") return text.toLowerCase().startsWith(value.toLowerCase());
  if (key !== "all") return text.startsWith(value);
  const words = wordsOf(text);
  return wordsOf(value).some((word) => words.includes(word));
}

/**
 * A text's words in lower case. Upper case after lower case, a digit after a letter and punctuation end a word:
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
 */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? [];
  return words.map((word) => word.toLowerCase());
}

/**
 * Refuses keys that no filter has, as the enums of AWS's models are refused: by a ValidationException, where the
 * operation's own errors are of another name.
 * @throws AwsError ValidationException
 */
export function requireFilterKeys({ Filters }: JsonObject): void {
  for (const [index, filter] of (Array.isArray(Filters) ? Filters : []).entries()) {
    const key = isJsonObject(filter) ? filter.Key : undefined;
    if (typeof key === "string" && !filterKeys.some((known) => known === key))
      throw new AwsError(
        "ValidationException",
        `1 validation error detected: Value '${key}' at 'filters.${index + 1}.member.key' failed to satisfy constraint: Member must satisfy enum value set: [${filterKeys.join(", ")}]`,
      );
  }
}
