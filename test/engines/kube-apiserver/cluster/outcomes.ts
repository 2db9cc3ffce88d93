import * as z from "zod";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { isJsonObject, type JsonObject } from "../../../../shared/base/json.ts";
import type { ApiAnswer } from "./cluster.ts";

const statusSchema = z.object({
  kind: z.literal("Status"),
  reason: z.string().default(""),
  message: z.string().default(""),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string().optional(), field: z.string().optional() })).default([]) })
    .optional(),
});
const managedSchema = z.array(z.object({ manager: z.string(), operation: z.string() }));
const metadataSchema = z.looseObject({
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  managedFields: managedSchema.default([]),
});

/** An answer in a line: an error with its reason, message and causes, or what of an object was asked to be written. */
export function answered({ status, body }: ApiAnswer): string {
  const error = statusSchema.safeParse(body);
  if (error.success && status >= 400) {
    const { reason, message, details } = error.data;
    // Kubernetes may check an applied object several times, and names a cause each time.
    const causes = [
      ...new Set((details?.causes ?? []).map(({ reason = "", field = "" }) => `${reason} ${field}`)),
    ].sort();
    return [`${status} ${reason}: ${message}`, ...(causes.length > 0 ? [`causes: ${causes.join(", ")}`] : [])].join(
      "; ",
    );
  }
  if (!isJsonObject(body)) return `${status} ${String(body)}`;
  return `${status} ${JSON.stringify(shownOf(body))}`;
}

/** Labels, annotations and the managers of an object; times and ids are the server's. */
function shownOf(body: Record<string, unknown>): unknown {
  const { labels, annotations, managedFields } = metadataSchema.parse(body.metadata ?? {});
  const managers = [...new Set(managedFields.map(({ manager, operation }) => `${manager} (${operation})`))].sort();
  return { kind: body.kind, labels: sortedByKey(labels), annotations: sortedByKey(annotations), managers };
}

function sortedByKey(values: Readonly<Record<string, string>> | undefined): JsonObject | undefined {
  return values && Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The end of a call of the gateway in a line: what it returned, or its error. */
export async function attempted(call: () => Promise<unknown>): Promise<string> {
  try {
    const value = await call();
    return value instanceof Set ? JSON.stringify([...value].sort()) : (JSON.stringify(value) ?? "done");
  } catch (error) {
    if (error instanceof AutopilotError) return `${error.code}: ${error.detail ?? ""}`;
    throw error;
  }
}
