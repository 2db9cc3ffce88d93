import type { Edit } from "./faults.ts";

/** The file's text with the edit. Throws when what the edit replaces does not stand there exactly once. */
export function applied({ file, find, replace }: Edit, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places like this, not one:\n${find}`);
  return parts.join(replace);
}
