import { isSameJson, type Json, type JsonObject } from "../base/json.ts";
import { type FieldPath, fieldAt, fieldsOf, fieldsV1, pathText, withField, withoutField } from "./fields.ts";
import { StatusError } from "./status.ts";

/** A manager that set a field, and how. */
export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
}

/** An object with the managers of its fields. */
export interface OwnedObject {
  readonly object: JsonObject;
  readonly owners: readonly { readonly path: FieldPath; readonly managers: readonly Manager[] }[];
}

/** Fields that name the object and belong to no manager. */
const NAMING = new Set([".apiVersion", ".kind", ".metadata.name", ".metadata.namespace"]);

/** A new object all of whose fields belong to one manager, who did not apply but create it. */
export function createdBy(name: string, object: JsonObject): OwnedObject {
  const managers = [{ name, operation: "Update" }] as const;
  return { object, owners: ownable(object).map(([path]) => ({ path, managers })) };
}

/**
 * Server-side apply: the object with the fields that `config` has, owned by `manager`. What this manager applied before
 * and no longer has is taken away, unless others own it too.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 * @throws StatusError 409 when a field that another manager owns would change and `force` is not given
 */
export function apply(
  existing: OwnedObject | undefined,
  config: JsonObject,
  { manager, force }: { readonly manager: string; readonly force: boolean },
): OwnedObject {
  const before: OwnedObject = existing ?? { object: {}, owners: [] };
  const fields = ownable(config);
  if (!force) refuseConflicts(before, fields, manager);
  const applied = fields.map(([path]) => pathText(path));
  const abandoned = before.owners.filter(
    ({ path, managers }) => managers.some((each) => isApplier(each, manager)) && !applied.includes(pathText(path)),
  );
  let { object } = before;
  for (const { path, managers } of abandoned) if (managers.length === 1) object = withoutField(object, path);
  for (const [path, value] of fieldsOf(config)) object = withField(object, path, value);
  const kept = before.owners
    .filter(({ path }) => !applied.includes(pathText(path)))
    .map(({ path, managers }) => ({ path, managers: managers.filter((each) => !isApplier(each, manager)) }))
    .filter(({ managers }) => managers.length > 0);
  const taken = fields.map(([path, value]) => {
    const shared = isSameJson(fieldAt(before.object, path), value) ? ownersOf(before, path) : [];
    const others = shared.filter((each) => !isApplier(each, manager));
    return { path, managers: [...others, { name: manager, operation: "Apply" as const }] };
  });
  return { object, owners: [...kept, ...taken] };
}

/** The object's `metadata.managedFields`. */
export function managedFields({ object, owners }: OwnedObject): Json {
  const managers = new Map<string, { readonly manager: Manager; readonly paths: FieldPath[] }>();
  for (const { path, managers: each } of owners)
    for (const manager of each) {
      const key = `${manager.operation} ${manager.name}`;
      const entry = managers.get(key) ?? { manager, paths: [] };
      entry.paths.push(path);
      managers.set(key, entry);
    }
  return [...managers.values()].map(({ manager, paths }) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion: object.apiVersion ?? "v1",
    fieldsType: "FieldsV1",
    fieldsV1: fieldsV1(paths),
  }));
}

function refuseConflicts(before: OwnedObject, fields: readonly (readonly [FieldPath, Json])[], manager: string): void {
  const causes = fields.flatMap(([path, value]) => {
    const present = fieldAt(before.object, path);
    if (present === undefined || isSameJson(present, value)) return [];
    return ownersOf(before, path)
      .filter((each) => !isApplier(each, manager))
      .map(({ name, operation }) => ({
        reason: "FieldManagerConflict",
        message: `conflict with "${name}"${operation === "Update" ? ` using ${String(before.object.apiVersion)}` : ""}`,
        field: pathText(path),
      }));
  });
  if (causes.length > 0) throw new StatusError(409, "Conflict", conflictText(causes), { causes });
}

/**
 * One conflict in a line, several by their managers: as conflict.go of Kubernetes' apimachinery has it.
 */
function conflictText(causes: readonly { readonly message: string; readonly field: string }[]): string {
  const [first] = causes;
  if (first && causes.length === 1) return `Apply failed with 1 conflict: ${first.message}: ${first.field}`;
  const managers = [...new Set(causes.map(({ message }) => message))].sort();
  const lines = managers.flatMap((manager) => [
    `${manager.replace(/^conflict /, "conflicts ")}:`,
    ...causes.filter(({ message }) => message === manager).map(({ field }) => `- ${field}`),
  ]);
  return `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
}

function ownersOf({ owners }: OwnedObject, path: FieldPath): readonly Manager[] {
  const text = pathText(path);
  return owners.find((owned) => pathText(owned.path) === text)?.managers ?? [];
}

function ownable(object: JsonObject): readonly (readonly [FieldPath, Json])[] {
  return fieldsOf(object).filter(([path]) => !NAMING.has(pathText(path)));
}

function isApplier(manager: Manager, name: string): boolean {
  return manager.operation === "Apply" && manager.name === name;
}
