import * as z from "zod";
import type { Json } from "../../base/json.ts";
import { invalidParameter } from "./errors.ts";
import type { Tags } from "./model.ts";

/** Tags that have to be given, as TagResource asks for them. */
export const givenTagsSchema = z.array(z.looseObject({ key: z.string(), value: z.string().default("") }));
export const tagListSchema = givenTagsSchema.default([]);

/**
 * The limits; of the messages, the one about `aws:` is AWS's own.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html#tag-restrictions
 */
const MAX_TAGS = 50;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/**
 * The tags of a resource after some were set.
 * @throws AwsError `InvalidParameterException` for a key or value that AWS refuses, or more than 50 tags.
 */
export function withTags(current: Tags, added: readonly { readonly key: string; readonly value: string }[]): Tags {
  const result = new Map(current);
  for (const { key, value } of added) {
    checkTag(key, value);
    result.set(key, value);
  }
  if (result.size > MAX_TAGS) throw invalidParameter(`Tags cannot have more than ${MAX_TAGS} elements.`);
  return result;
}

/** Tags as ECS's API lists them. */
export function tagList(tags: Tags): Json[] {
  return [...tags].map(([key, value]) => ({ key, value }));
}

function checkTag(key: string, value: string): void {
  if (/^aws:/i.test(key)) throw invalidParameter("aws: prefixed tag key names are not allowed for external use.");
  // Characters of Unicode count, not their halves.
  if (key === "" || [...key].length > MAX_KEY_LENGTH) {
    throw invalidParameter(`Tag key must have 1 to ${MAX_KEY_LENGTH} characters.`);
  }
  if ([...value].length > MAX_VALUE_LENGTH)
    throw invalidParameter(`Tag value must have at most ${MAX_VALUE_LENGTH} characters.`);
  if (!ALLOWED.test(key) || !ALLOWED.test(value)) {
    throw invalidParameter(
      "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.",
    );
  }
}
