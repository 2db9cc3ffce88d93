/**
 * Schemas of what another version of the autopilot may have written. `CONTRIBUTING.md` has the rule: a version reads a
 * new member or value before any version writes it.
 */
import * as z from "zod";

/**
 * An object of which a later version may know more members: they are ignored, and kept by code that writes the object
 * again with a spread of what was read.
 */
export function openObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strip> {
  // The cast hides the further members from the type alone: nobody can use what this version doesn't know, and a
  // literal with a member that no version knows stays an error.
  return z.looseObject(shape).overwrite(withOwnMembers) as unknown as z.ZodObject<Shape, z.core.$strip>;
}

/** zod assigns a member called `__proto__`: its members, which no schema has seen, would be read as the object's. */
function withOwnMembers<T extends object>(value: T): T {
  return Object.getPrototypeOf(value) === Object.prototype ? value : { ...value };
}

/** A word that a later version has added to a closed set: it can be shown and kept, and nothing be decided by it. */
const laterSchema = z.string().min(1).brand<"later">();

/** One word of a set to which a later version may add more. */
export function openEnum<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.union([z.enum(words), laterSchema]);
}
