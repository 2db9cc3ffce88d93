import { readFile } from "node:fs/promises";
import * as z from "zod";
import { type Fleet, fleetSchema } from "../fleet/fleet.ts";

/**
 * The fleet of a JSON file.
 * @throws Error that names the file and, where its content is wrong, the members.
 */
export async function readFleetFile(path: string): Promise<Fleet> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new Error(`--fleet ${path}: ${reason(cause)}`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`--fleet ${path} is not JSON: ${reason(cause)}`, { cause });
  }
  const result = fleetSchema.safeParse(json);
  if (result.success) return result.data;
  throw new Error(`--fleet ${path} is not a fleet:\n${z.prettifyError(result.error)}`);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
