import { describe, expect, it } from "vitest";
import { controlPlane } from "../../../shared/gateways/kubernetes/control-plane.ts";
import { eksToken } from "../../../shared/gateways/kubernetes/eks-token.ts";
import type { KubernetesFetch } from "../../../shared/gateways/kubernetes/kubernetes-client.ts";

type Answer = { readonly status: number; readonly body: unknown };

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
/** A control plane without the service account, whose API gives this answer to a write. */
function planeAnswering(answer: Answer) {
  const fetch: KubernetesFetch = async (_url, { method }) => {
    const { status, body } = method === "GET" ? failure(404, "NotFound") : answer;
    const text = JSON.stringify(body);
    return { status, headers: [["content-type", "application/json"]], text: async () => text };
  };
  const connection = { server: "https://k8s.example.com", user: { bearerToken: async () => "token" } };
  return controlPlane({ name: "main", now: () => 0, fetch, connect: async () => connection });
}

const identity = { namespace: "shop", serviceAccount: "web", roleArn: "arn:aws:iam::123456789012:role/web" };

describe("what the API can't take now", () => {
  it.each([
    ["a namespace that is being deleted", failure(403, "Forbidden", "NamespaceTerminating")],
    ["an object that somebody else has just changed", failure(409, "Conflict")],
    ["an object that somebody else has just created", failure(409, "AlreadyExists")],
  ])("is tried again: %s", async (_what, answer) => {
    await expect(planeAnswering(answer).ensureServiceAccount(identity)).rejects.toMatchObject({
      code: "control-plane-busy",
      retryable: true,
    });
  });

  it.each([
    ["a field that another manager owns", failure(409, "Conflict", "FieldManagerConflict")],
    ["a missing permission", failure(403, "Forbidden")],
    ["a name that is refused", failure(422, "Invalid", "FieldValueInvalid")],
  ])("does not include what is refused for good: %s", async (_what, answer) => {
    await expect(planeAnswering(answer).ensureServiceAccount(identity)).rejects.toMatchObject({
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
