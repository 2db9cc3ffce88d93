import { describe, expect, it } from "vitest";
import { controlPlane } from "../../../shared/gateways/kubernetes/control-plane.ts";
import { eksToken } from "../../../shared/gateways/kubernetes/eks-token.ts";
import type { KubernetesFetch } from "../../../shared/gateways/kubernetes/kubernetes-client.ts";

type Answer = { readonly status: number; readonly body: unknown };

const ok = (body: unknown): Answer => ({ status: 200, body });
const failure = (status: number, reason: string, ...causes: readonly string[]): Answer => ({
  status,
  body: {
    kind: "Status",
    status: "Failure",
    reason,
    message: `it is ${reason}`,
    code: status,
    details: { causes: causes.map((cause) => ({ reason: cause, message: cause })) },
  },
});
const page = (addresses: readonly string[], next?: string): Answer =>
  ok({ items: addresses.map((address) => ({ spec: { address } })), metadata: { continue: next } });

/** A Kubernetes API that gives these answers, one after the other, and the last one to all further requests. */
function api(...answers: readonly [Answer, ...Answer[]]) {
  const requests: { readonly url: string; readonly authorization: string | undefined }[] = [];
  const fetch: KubernetesFetch = async (url, { headers }) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? answers[0];
    requests.push({ url, authorization: headers.Authorization });
    const text = JSON.stringify(answer.body);
    return { status: answer.status, headers: [["content-type", "application/json"]], text: async () => text };
  };
  let connections = 0;
  const plane = controlPlane({
    name: "main",
    now: () => 0,
    fetch,
    connect: async () => {
      connections++;
      const token = `token-${connections}`;
      return { server: "https://k8s.example.com/", user: { bearerToken: async () => token } };
    },
  });
  return { plane, requests, connections: () => connections };
}

const identity = { namespace: "shop", serviceAccount: "web", roleArn: "arn:aws:iam::123456789012:role/web" };

describe("a server's URL", () => {
  it("may end with a slash", async () => {
    const { plane, requests } = api(page([]));
    await plane.listWorkloadEntryAddresses("shop");
    expect(requests[0]?.url).toMatch(/^https:\/\/k8s\.example\.com\/apis\//);
  });
});

describe("a refused token", () => {
  it("is replaced once: by a new connection, with a new token", async () => {
    const { plane, requests } = api(failure(401, "Unauthorized"), page(["10.0.0.1"]));
    expect(await plane.listWorkloadEntryAddresses("shop")).toEqual(new Set(["10.0.0.1"]));
    expect(requests.map(({ authorization }) => authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  it("is an error when the next one is refused too", async () => {
    const { plane, connections } = api(failure(401, "Unauthorized"));
    await expect(plane.boundRole("shop", "web")).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(connections()).toBe(2);
  });
});

describe("a list whose token has expired between two pages", () => {
  it("is read again from its beginning", async () => {
    const { plane } = api(
      page(["10.0.0.1"], "a"),
      failure(410, "Expired"),
      page(["10.0.0.2"], "b"),
      page(["10.0.0.3"]),
    );
    expect(await plane.listWorkloadEntryAddresses("shop")).toEqual(new Set(["10.0.0.2", "10.0.0.3"]));
  });

  it("is tried again later when that happens again and again", async () => {
    const { plane, requests } = api(failure(410, "Expired"));
    await expect(plane.listWorkloadEntryAddresses("shop")).rejects.toMatchObject({
      code: "control-plane-busy",
      retryable: true,
    });
    expect(requests.length).toBe(3);
  });
});

describe("what the API can't take now", () => {
  it.each([
    ["a namespace that is being deleted", failure(403, "Forbidden", "NamespaceTerminating")],
    ["an object that somebody else has just changed", failure(409, "Conflict")],
    ["an object that somebody else has just created", failure(409, "AlreadyExists")],
  ])("is tried again: %s", async (_what, answer) => {
    const { plane } = api(failure(404, "NotFound"), answer);
    await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject({
      code: "control-plane-busy",
      retryable: true,
    });
  });

  it.each([
    ["a field that another manager owns", failure(409, "Conflict", "FieldManagerConflict")],
    ["a missing permission", failure(403, "Forbidden")],
    ["a name that is refused", failure(422, "Invalid", "FieldValueInvalid")],
  ])("is not what is refused for good: %s", async (_what, answer) => {
    const { plane } = api(failure(404, "NotFound"), answer);
    await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject({
      code: "control-plane-refused",
      retryable: false,
    });
  });
});

describe("an EKS token", () => {
  const options = { cluster: "mesh", region: "eu-west-1" };
  const keys = { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" };

  it("lives no longer than the credentials that signed it", async () => {
    let nowMs = Date.parse("2026-11-21T03:00:00Z");
    const expiration = new Date(nowMs + 5 * 60_000);
    const token = eksToken({ ...options, credentials: async () => ({ ...keys, expiration }), now: () => nowMs });
    const first = await token();
    nowMs += 4 * 60_000;
    expect(await token()).toBe(first);
    nowMs += 60_000;
    expect(await token()).not.toBe(first);
  });
});
