import { beforeEach, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../base/json.ts";
import {
  ACCOUNT_PATH,
  account,
  type KubernetesHarness,
  kubernetesHarness,
  NAMESPACE,
  namespace,
} from "./kubernetes-harness.ts";

const headers = { "content-type": "application/apply-patch+yaml" };
const query = { fieldManager: "controller" };
let send: KubernetesHarness["send"];
let apply: KubernetesHarness["apply"];
let kubernetes: KubernetesHarness["kubernetes"];

beforeEach(async () => {
  ({ send, apply, kubernetes } = kubernetesHarness());
  await apply(NAMESPACE, namespace({}));
});

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY_NAME =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** The texts are those of Kubernetes' apimachinery: util/validation and api/validate/content. */
describe("The simulated Kubernetes API refuses with 422", () => {
  it.each<[string, string, JsonObject, string]>([
    [
      "a name with `_`",
      "web_1",
      {},
      `ServiceAccount "web_1" is invalid: metadata.name: Invalid value: "web_1": ${SUBDOMAIN}`,
    ],
    [
      "a name that is too long",
      "w".repeat(254),
      {},
      `ServiceAccount "${"w".repeat(254)}" is invalid: metadata.name: Invalid value: "${"w".repeat(254)}": must be no more than 253 bytes`,
    ],
    [
      "a label's value that ends in `-`",
      "web",
      { labels: { team: "a-" } },
      `ServiceAccount "web" is invalid: metadata.labels: Invalid value: "a-": ${LABEL_VALUE}`,
    ],
    [
      "a label's value that is too long",
      "web",
      { labels: { team: "a".repeat(64) } },
      `ServiceAccount "web" is invalid: metadata.labels: Invalid value: "${"a".repeat(64)}": must be no more than 63 bytes`,
    ],
    [
      "a label's key with a space",
      "web",
      { labels: { "the team": "a" } },
      `ServiceAccount "web" is invalid: metadata.labels: Invalid value: "the team": ${KEY_NAME}`,
    ],
    [
      "a label's key with an upper-case domain",
      "web",
      { labels: { "Example.com/team": "a" } },
      `ServiceAccount "web" is invalid: metadata.labels: Invalid value: "Example.com/team": prefix part ${SUBDOMAIN}`,
    ],
    [
      "an annotation's key with a colon",
      "web",
      { annotations: { "aws:role": "a" } },
      `ServiceAccount "web" is invalid: metadata.annotations: Invalid value: "aws:role": ${KEY_NAME}`,
    ],
    [
      "annotations that are too long together",
      "web",
      { annotations: { a: "x".repeat(200_000), b: "x".repeat(70_000) } },
      'ServiceAccount "web" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [
      "two things at once",
      "web",
      { labels: { team: "a-", owner: "b c" } },
      `ServiceAccount "web" is invalid: [metadata.labels: Invalid value: "a-": ${LABEL_VALUE}, metadata.labels: Invalid value: "b c": ${LABEL_VALUE}]`,
    ],
  ])("%s", async (_what, name, metadata, message) => {
    const object = { ...account({}), metadata: { name, ...metadata } };
    const answer = await apply(`${NAMESPACE}/serviceaccounts/${name}`, object);
    expect(answer).toMatchObject({
      status: 422,
      body: { kind: "Status", reason: "Invalid", code: 422, message, details: { name, kind: "ServiceAccount" } },
    });
    expect((await send({ path: `${NAMESPACE}/serviceaccounts/${name}` })).status).toBe(404);
  });

  it("an object of another group by its kind and group, with the cause's field", async () => {
    const name = "ecs-task-Demo";
    const object = { apiVersion: "networking.istio.io/v1", kind: "WorkloadEntry", metadata: { name } };
    const answer = await apply(`/apis/networking.istio.io/v1/namespaces/web/workloadentries/${name}`, object);
    expect(answer).toMatchObject({
      status: 422,
      body: {
        message: `WorkloadEntry.networking.istio.io "${name}" is invalid: metadata.name: Invalid value: "${name}": ${SUBDOMAIN}`,
        details: {
          name,
          group: "networking.istio.io",
          kind: "WorkloadEntry",
          causes: [{ reason: "FieldValueInvalid", field: "metadata.name" }],
        },
      },
    });
  });

  it.each([
    ["a namespace", "/api/v1/namespaces/web.shop", "Namespace", "web.shop", "must not contain dots"],
    ["a namespace", `/api/v1/namespaces/${"n".repeat(64)}`, "Namespace", "n".repeat(64), "no more than 63 bytes"],
    ["a Service", `${NAMESPACE}/services/1web`, "Service", "1web", "a DNS-1035 label must consist of"],
  ])("the name of %s: %s", async (_what, path, kind, name, problem) => {
    const answer = await apply(path, { apiVersion: "v1", kind, metadata: { name } });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(problem);
  });

  it("what an operator puts", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "A", namespace: "web" } };
    expect(() => kubernetes.put(object)).toThrow('ConfigMap "A" is invalid: metadata.name');
  });

  it("nothing that Kubernetes takes", async () => {
    const labels = { empty: "", "example.com/My_name.1": "My_value.1", ["k".repeat(63)]: "v".repeat(63) };
    const annotations = { "Example.com/Key": "any: text,\nof any length" };
    const object = { ...account({}), metadata: { name: "web.1-a", labels, annotations } };
    expect((await apply(`${NAMESPACE}/serviceaccounts/web.1-a`, object)).status).toBe(201);
  });
});

/** Kubernetes' admission plugin NamespaceLifecycle. */
describe("A namespace that is being terminated", () => {
  const terminate = () =>
    kubernetes.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "web", deletionTimestamp: "2026-11-21T00:00:00Z" },
      status: { phase: "Terminating" },
    });

  it("takes nothing new", async () => {
    terminate();
    expect(await apply(ACCOUNT_PATH, account({}))).toMatchObject({
      status: 403,
      body: {
        reason: "Forbidden",
        message:
          'serviceaccounts "web" is forbidden: unable to create new content in namespace web because it is being terminated',
        details: {
          name: "web",
          kind: "serviceaccounts",
          causes: [
            {
              reason: "NamespaceTerminating",
              message: "namespace web is being terminated",
              field: "metadata.namespace",
            },
          ],
        },
      },
    });
  });

  it("lets its objects be changed, and can be changed itself", async () => {
    await apply(ACCOUNT_PATH, account({}));
    terminate();
    expect((await apply(ACCOUNT_PATH, account({ a: "b" }))).status).toBe(200);
    expect((await apply(NAMESPACE, namespace({ a: "b" }))).status).toBe(200);
  });
});

describe("A conflict", () => {
  it("with one manager names the version that it updated, with several each of their fields", async () => {
    kubernetes.put({ ...namespace({ a: "1", b: "1" }) }, "kubectl");
    const first = await apply(NAMESPACE, namespace({ a: "2" }));
    expect(first.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl" using v1: .metadata.labels.a',
    );
    await apply(NAMESPACE, namespace({ c: "1" }), { fieldManager: "argo" });
    const second = await apply(NAMESPACE, namespace({ a: "2", b: "2", c: "2" }));
    expect(second.body.message).toBe(
      [
        'Apply failed with 3 conflicts: conflicts with "argo":',
        "- .metadata.labels.c",
        'conflicts with "kubectl" using v1:',
        "- .metadata.labels.a",
        "- .metadata.labels.b",
      ].join("\n"),
    );
  });

  it("is what an apply gets that names another version of the object", async () => {
    const { body } = await apply(ACCOUNT_PATH, account({}));
    const { metadata } = body;
    const resourceVersion = JSON.parse(JSON.stringify(metadata)).resourceVersion;
    const at = (version: string) => ({ ...account({}), metadata: { name: "web", resourceVersion: version } });
    expect((await apply(ACCOUNT_PATH, at(resourceVersion))).status).toBe(200);
    expect(await apply(ACCOUNT_PATH, at("1"))).toMatchObject({
      status: 409,
      body: {
        reason: "Conflict",
        message:
          'Operation cannot be fulfilled on serviceaccounts "web": the object has been modified; please apply your changes to the latest version and try again',
        details: { name: "web", kind: "serviceaccounts" },
      },
    });
  });
});

describe("An odd request", () => {
  const nested = (times: number) => `{"a":${"[".repeat(times)}${"]".repeat(times)}}`;
  const withMetadata = (metadata: Json) => JSON.stringify({ ...account({}), metadata });

  it.each<[string, string, number]>([
    ["a body that nests too deep", nested(50_000), 400],
    ["an object that nests too deep", withMetadata({ annotations: {}, spec: JSON.parse(nested(600)) }), 400],
    ["no JSON", "kind: ServiceAccount", 400],
    ["no body", "", 400],
    ["a list", "[]", 400],
    ["null", "null", 400],
    ["metadata that is a list", withMetadata([]), 400],
    ["metadata that is a text", withMetadata("web"), 400],
    ["labels that are a list", withMetadata({ labels: ["a"] }), 400],
    ["a label that is a number", withMetadata({ labels: { a: 1 } }), 400],
    ["annotations that are a text", withMetadata({ annotations: "a" }), 400],
    ["a resource version that is a number", withMetadata({ resourceVersion: 7 }), 400],
    ["managed fields", withMetadata({ managedFields: [] }), 400],
  ])("is refused: a patch with %s", async (_what, body, status) => {
    const answer = await send({ method: "PATCH", path: ACCOUNT_PATH, query, headers, body });
    expect(answer).toMatchObject({ status, body: { kind: "Status", status: "Failure", code: status } });
  });

  it.each([
    ["POST", `${NAMESPACE}/serviceaccounts`, 400],
    ["POST", ACCOUNT_PATH, 405],
    ["PUT", ACCOUNT_PATH, 405],
    ["DELETE", ACCOUNT_PATH, 405],
    ["PATCH", `${NAMESPACE}/serviceaccounts`, 405],
    ["BREW", ACCOUNT_PATH, 405],
    ["GET", "/", 404],
    ["GET", "", 404],
    ["GET", "/api/v1/namespaces/%E0%A4%A/serviceaccounts/x", 404],
    ["GET", "/api/v1/namespaces/web/serviceaccounts/__proto__", 404],
    ["GET", `/api/v1/namespaces/${"n".repeat(10_000)}`, 404],
  ])("is refused: %s %s", async (method, path, status) => {
    expect(await send({ method, path, query, headers, body: "{}" })).toMatchObject({
      status,
      body: { kind: "Status", status: "Failure", code: status },
    });
  });
});
