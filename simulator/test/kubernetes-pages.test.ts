import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject } from "../base/json.ts";
import { type KubernetesHarness, kubernetesHarness, NAMESPACE, namespace } from "./kubernetes-harness.ts";

const PATH = `${NAMESPACE}/serviceaccounts`;
let clock: KubernetesHarness["clock"];
let faults: KubernetesHarness["faults"];
let send: KubernetesHarness["send"];
let kubernetes: KubernetesHarness["kubernetes"];

/** Expects a page, and returns its names and the token of the next one. */
async function page(query: Readonly<Record<string, string>>) {
  const { status, body } = await send({ path: PATH, query });
  expect([status, body.message]).toEqual([200, undefined]);
  const { items, metadata } = body;
  const objects = Array.isArray(items) ? items.filter(isJsonObject) : [];
  const token = isJsonObject(metadata) ? metadata.continue : undefined;
  return {
    names: objects.map((object) => (isJsonObject(object.metadata) ? object.metadata.name : undefined)),
    metadata,
    token: typeof token === "string" ? token : "",
  };
}

const addAccount = (name: string) =>
  kubernetes.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace: "web", labels: { a: "b" } },
  });

beforeEach(() => {
  ({ clock, faults, send, kubernetes } = kubernetesHarness());
  kubernetes.put(namespace({}));
  for (const name of ["a", "b", "c"]) addAccount(name);
});

describe("A list of the Kubernetes API by pages", () => {
  it("goes on with an opaque token, and shows the objects as they were at its first page", async () => {
    const first = await page({ limit: "2" });
    expect(first).toMatchObject({ names: ["a", "b"], metadata: { remainingItemCount: 2 } });
    expect(first.token).toMatch(/^[\w-]{20,}$/);
    addAccount("bb");
    kubernetes.delete({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "c", namespace: "web" } });
    const second = await page({ limit: "2", continue: first.token });
    expect(second).toMatchObject({ names: ["c", "default"], token: "" });
    expect(second.metadata).not.toHaveProperty("remainingItemCount");
    expect((await page({})).names).toEqual(["a", "b", "bb", "default"]);
  });

  it("does not count what remains of a selection", async () => {
    const { metadata, token } = await page({ limit: "2", labelSelector: "a=b" });
    expect(metadata).not.toHaveProperty("remainingItemCount");
    expect((await page({ labelSelector: "a=b", continue: token })).names).toEqual(["c"]);
  });

  it("has no more pages 5 minutes later, but a token for what is left by then", async () => {
    const { token } = await page({ limit: "2" });
    await clock.advance(5 * 60_000 - 1);
    expect((await page({ continue: token })).names).toEqual(["c", "default"]);
    await clock.advance(1);
    addAccount("bb");
    const { status, body } = await send({ path: PATH, query: { limit: "2", continue: token } });
    expect(status).toBe(410);
    expect(body).toMatchObject({ kind: "Status", reason: "Expired", code: 410 });
    expect(body.message).toMatch(
      /^The provided continue parameter is too old to display a consistent list result\. You/,
    );
    const { metadata } = body;
    const rest = isJsonObject(metadata) ? String(metadata.continue) : "";
    expect((await page({ continue: rest })).names).toEqual(["c", "default"]);
    expect((await page({})).names).toEqual(["a", "b", "bb", "c", "default"]);
  });

  it("has no more pages while the fault continue-expired strikes", async () => {
    const { token } = await page({ limit: "2" });
    faults.add({ kind: "continue-expired", match: { controlPlane: "main" }, count: 1 });
    expect((await page({ limit: "2" })).names).toEqual(["a", "b"]);
    expect((await send({ path: PATH, query: { continue: token } })).status).toBe(410);
    expect((await page({ continue: token })).names).toEqual(["c", "default"]);
  });

  it.each([
    ["3", "continue key is not valid"],
    ["!", "continue key is not valid"],
    [Buffer.from("[]").toString("base64url"), "continue key is not valid"],
    [
      Buffer.from('{"v":"v2","rv":3,"start":"web/c"}').toString("base64url"),
      "continue key is not valid: server does not recognize this encoded version v2",
    ],
    [
      Buffer.from('{"v":"meta.k8s.io/v1","rv":0,"start":"web/c"}').toString("base64url"),
      "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
    ],
    [
      Buffer.from('{"v":"meta.k8s.io/v1","rv":3}').toString("base64url"),
      "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)",
    ],
  ])("refuses the token %s", async (token, message) => {
    expect(await send({ path: PATH, query: { continue: token } })).toMatchObject({
      status: 400,
      body: { kind: "Status", reason: "BadRequest", message },
    });
  });

  it.each([
    ["abc", 400],
    ["1e3", 400],
    ["-1", 200],
    ["0", 200],
  ])("answers the limit %s with %i", async (limit, status) => {
    const answer = await send({ path: PATH, query: { limit } });
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.body.message).toBe(`strconv.ParseInt: parsing "${limit}": invalid syntax`);
    else expect(answer.body.items).toHaveLength(4);
  });
});
