import { beforeEach, describe, expect, it } from "vitest";
import {
  ACCOUNT_PATH,
  account,
  type KubernetesHarness,
  kubernetesHarness,
  NAMESPACE,
  namespace,
} from "./kubernetes-harness.ts";

const APPLY = "application/apply-patch+yaml";
let send: KubernetesHarness["send"];
let apply: KubernetesHarness["apply"];
let kubernetes: KubernetesHarness["kubernetes"];

beforeEach(() => {
  ({ send, apply, kubernetes } = kubernetesHarness());
});

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
describe("Server-side apply of the simulator", () => {
  it("creates an object, changes it, and leaves it alone when nothing changes", async () => {
    const created = await apply(NAMESPACE, namespace({ a: "1" }));
    expect(created).toMatchObject({ status: 201, body: { metadata: { name: "web", labels: { a: "1" } } } });
    const changed = await apply(NAMESPACE, namespace({ a: "2" }));
    expect(changed).toMatchObject({ status: 200, body: { metadata: { labels: { a: "2" } } } });
    const same = await apply(NAMESPACE, namespace({ a: "2" }));
    expect(same.body).toEqual(changed.body);
  });

  it("keeps what others set, and reports who owns which field", async () => {
    kubernetes.put(namespace({ team: "x" }), "kubectl");
    const { body } = await apply(NAMESPACE, namespace({ "istio.io/dataplane-mode": "ambient" }));
    expect(body).toMatchObject({
      metadata: {
        labels: { team: "x", "istio.io/dataplane-mode": "ambient" },
        managedFields: [
          { manager: "kubectl", operation: "Update", fieldsV1: { "f:metadata": { "f:labels": { "f:team": {} } } } },
          {
            manager: "controller",
            operation: "Apply",
            fieldsV1: { "f:metadata": { "f:labels": { "f:istio.io/dataplane-mode": {} } } },
          },
        ],
      },
    });
  });

  it("refuses to change what another manager owns, unless it is forced", async () => {
    await apply(NAMESPACE, namespace({}));
    kubernetes.put(
      { ...account({ role: "theirs" }), metadata: { name: "web", namespace: "web", annotations: { role: "theirs" } } },
      "kubectl",
    );
    const conflict = await apply(ACCOUNT_PATH, account({ role: "ours" }));
    expect(conflict).toMatchObject({
      status: 409,
      body: {
        reason: "Conflict",
        details: { causes: [{ reason: "FieldManagerConflict", field: ".metadata.annotations.role" }] },
      },
    });
    expect((await send({ path: ACCOUNT_PATH })).body).toMatchObject({ metadata: { annotations: { role: "theirs" } } });
    const forced = await apply(ACCOUNT_PATH, account({ role: "ours" }), { fieldManager: "controller", force: "true" });
    expect(forced).toMatchObject({ status: 200, body: { metadata: { annotations: { role: "ours" } } } });
    expect((await apply(ACCOUNT_PATH, account({ role: "theirs" }), { fieldManager: "other" })).status).toBe(409);
  });

  it("shares a field that two managers give the same value", async () => {
    await apply(NAMESPACE, namespace({ a: "1" }));
    expect((await apply(NAMESPACE, namespace({ a: "1" }), { fieldManager: "other" })).status).toBe(200);
    expect((await apply(NAMESPACE, namespace({ a: "2" }))).status).toBe(409);
    await apply(NAMESPACE, namespace({}), { fieldManager: "other" });
    expect((await apply(NAMESPACE, namespace({ a: "2" }))).status).toBe(200);
  });

  it("takes away what its manager no longer applies, if nobody else owns it", async () => {
    await apply(NAMESPACE, namespace({ a: "1", b: "1" }));
    await apply(NAMESPACE, namespace({ b: "1" }), { fieldManager: "other" });
    const { body } = await apply(NAMESPACE, namespace({ c: "1" }));
    expect(body).toMatchObject({ metadata: { labels: { b: "1", c: "1" } } });
    expect(JSON.stringify(body)).not.toContain('"a":"1"');
  });

  it.each([
    ["without a field manager", {}, APPLY, namespace({}), 422],
    ["of another media type", { fieldManager: "m" }, "application/json", namespace({}), 415],
    ["of another kind", { fieldManager: "m" }, APPLY, { ...namespace({}), kind: "Secret" }, 400],
    ["under another name", { fieldManager: "m" }, APPLY, { ...namespace({}), metadata: { name: "shop" } }, 400],
  ])("is refused %s", async (_what, query, type, object, status) => {
    const headers = { "content-type": type };
    const answer = await send({ method: "PATCH", path: NAMESPACE, query, headers, body: JSON.stringify(object) });
    expect(answer).toMatchObject({ status, body: { kind: "Status", code: status } });
  });

  it("is refused for a namespace that doesn't exist", async () => {
    expect(await apply(ACCOUNT_PATH, account({}))).toMatchObject({ status: 404, body: { reason: "NotFound" } });
  });
});

describe("A creation in the simulator", () => {
  const ACCOUNTS = `${NAMESPACE}/serviceaccounts`;
  const create = (path: string, object: object) =>
    send({ method: "POST", path, query: { fieldManager: "controller" }, body: JSON.stringify(object) });

  it("makes an object that there is not, owned by its manager, and refuses one that there is", async () => {
    await apply(NAMESPACE, namespace({}));
    const created = await create(ACCOUNTS, account({ role: "ours" }));
    expect(created).toMatchObject({
      status: 201,
      body: {
        metadata: { annotations: { role: "ours" }, managedFields: [{ manager: "controller", operation: "Update" }] },
      },
    });
    const again = await create(ACCOUNTS, account({ role: "theirs" }));
    expect(again).toMatchObject({ status: 409, body: { reason: "AlreadyExists" } });
    expect((await send({ path: ACCOUNT_PATH })).body).toMatchObject({ metadata: { annotations: { role: "ours" } } });
  });

  it("needs a name, a namespace that exists, and no version", async () => {
    expect(await create(ACCOUNTS, account({}))).toMatchObject({ status: 404 });
    await apply(NAMESPACE, namespace({}));
    const { metadata, ...rest } = account({});
    expect(await create(ACCOUNTS, { ...rest, metadata: {} })).toMatchObject({ status: 422 });
    const versioned = { ...rest, metadata: { ...(metadata as object), resourceVersion: "1" } };
    expect(await create(ACCOUNTS, versioned)).toMatchObject({ status: 400 });
  });
});

describe("A merge patch in the simulator", () => {
  const merge = (metadata: object) =>
    send({
      method: "PATCH",
      path: ACCOUNT_PATH,
      query: { fieldManager: "controller" },
      headers: { authorization: "Bearer kubeconfig-token", "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata }),
    });

  it("removes what is null, even if another manager owns it, and leaves the rest", async () => {
    await apply(NAMESPACE, namespace({}));
    await apply(ACCOUNT_PATH, account({ role: "ours", team: "x" }), { fieldManager: "kubectl" });
    const { body } = await merge({ annotations: { role: null, more: "y" } });
    expect(body).toMatchObject({ metadata: { annotations: { team: "x", more: "y" } } });
    expect(JSON.stringify(body)).not.toContain("ours");
  });

  it("is refused for an older version, and for an object that there is not", async () => {
    expect(await merge({ annotations: {} })).toMatchObject({ status: 404 });
    await apply(NAMESPACE, namespace({}));
    await apply(ACCOUNT_PATH, account({ role: "ours" }));
    const stale = await merge({ resourceVersion: "1", annotations: { role: null } });
    expect(stale).toMatchObject({ status: 409, body: { reason: "Conflict" } });
  });
});
