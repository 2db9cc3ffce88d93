import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import {
  labelKeyProblems,
  labelPartProblems,
  labelValueProblems,
  type NameProblems,
  serviceNameProblems,
  subdomainProblems,
} from "./names.ts";
import type { ObjectRef, ObjectStore } from "./object-store.ts";
import { parseResourcePath, type Resource } from "./resources.ts";
import { forbidden, groupOf, notFound, StatusError } from "./status.ts";
import { isTerminating } from "./terminations.ts";

const MOST_ANNOTATION_BYTES = 256 * 1024;

/** A field that is refused, with what is wrong, as a Status gives it. */
interface Cause {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

/**
 * Lets an object be stored that an API server would store.
 * @throws StatusError 404 without its namespace, 403 when it is new in one that is being terminated, 422 for a name,
 * label or annotation that Kubernetes does not take
 */
export function admit(store: ObjectStore, ref: ObjectRef, object: JsonObject): void {
  refuseNamespace(store, ref);
  refuseInvalid(ref, object);
}

/** @throws StatusError 422 for a name, label or annotation that Kubernetes does not take */
export function refuseInvalid({ resource, name }: ObjectRef, object: JsonObject): void {
  const causes = metadataCauses(resource, name, object);
  if (causes.length === 0) return;
  const group = groupOf(resource);
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const kind = group === "" ? resource.kind : `${resource.kind}.${group}`;
  throw new StatusError(422, "Invalid", `${kind} ${JSON.stringify(name)} is invalid: ${list}`, {
    name,
    ...(group !== "" && { group }),
    kind: resource.kind,
    causes: causes.map((cause) => ({ ...cause })),
  });
}

/** As the admission plugin NamespaceLifecycle of https://github.com/kubernetes/apiserver does. */
function refuseNamespace(store: ObjectStore, ref: ObjectRef): void {
  const { namespace, resource, name } = ref;
  const namespaces = parseResourcePath("/api/v1/namespaces")?.resource;
  if (namespace === undefined || namespaces === undefined) return;
  const found = store.find({ resource: namespaces, namespace: undefined, name: namespace });
  if (found === undefined) throw notFound(namespaces, namespace);
  if (!isTerminating(found.object) || store.find(ref) !== undefined) return;
  throw forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  );
}

function metadataCauses(resource: Resource, name: string, object: JsonObject): readonly Cause[] {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const labels = isJsonObject(metadata.labels) ? metadata.labels : {};
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  return [
    ...invalid("metadata.name", name, nameProblems(resource, name)),
    ...Object.entries(labels).flatMap(([key, value]) => [
      ...invalid("metadata.labels", key, labelKeyProblems(key)),
      ...invalid("metadata.labels", value, labelValueProblems(String(value))),
    ]),
    // Case does not matter in an annotation's key.
    ...Object.keys(annotations).flatMap((key) =>
      invalid("metadata.annotations", key, labelKeyProblems(key.toLowerCase())),
    ),
    ...tooMuch("metadata.annotations", annotations),
  ];
}

function nameProblems({ kind }: Resource, name: string): NameProblems {
  if (kind === "Namespace") return labelPartProblems(name);
  return kind === "Service" ? serviceNameProblems(name) : subdomainProblems(name);
}

function invalid(field: string, value: Json, problems: NameProblems): readonly Cause[] {
  return problems.map((problem) => ({
    reason: "FieldValueInvalid",
    field,
    message: `Invalid value: ${JSON.stringify(value)}: ${problem}`,
  }));
}

function tooMuch(field: string, annotations: JsonObject): readonly Cause[] {
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  if (bytes <= MOST_ANNOTATION_BYTES) return [];
  return [
    { reason: "FieldValueTooLong", field, message: `Too long: may not be more than ${MOST_ANNOTATION_BYTES} bytes` },
  ];
}
