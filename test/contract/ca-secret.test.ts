import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../shared/base/errors.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import type { KubernetesFetch } from "../../shared/gateways/kubernetes/kubernetes-client.ts";
import { CA_KEY, caSecret, secretObject } from "../support/ca-secrets.ts";
import { facts, rootPem } from "../support/services.ts";
import { simulatedControlPlane } from "../support/simulated-clients.ts";

function opened() {
  const simulated = simulatedControlPlane({
    network: facts.network,
    rootCaPem: facts.rootCaPem,
    eastWestHostname: "istiod.example.com",
    istiodVersion: "1.28.0",
  });
  const { clock, connect, kubernetes } = simulated;
  const plane = (fetch: KubernetesFetch = simulated.fetch) =>
    controlPlane({ name: "main", now: () => clock.now(), connect, fetch });
  const put = (name: string, texts: Readonly<Record<string, string>>) => kubernetes.put(secretObject(name, texts));
  return { plane, put };
}

/** The error with all that led to it. */
async function failureOf(run: Promise<unknown>): Promise<string> {
  const error: unknown = await run.catch((caught: unknown) => caught);
  if (!(error instanceof AutopilotError)) throw new Error("it has not failed");
  return JSON.stringify([error.message, error.cause, error.stack]);
}

describe("istiod's CA secret", () => {
  it.each<[string, string, Readonly<Record<string, string>>, readonly ("a" | "b")[]]>([
    ["that an operator has plugged in", "cacerts", caSecret(rootPem("b"), rootPem("a")), ["b", "a"]],
    ["without a chain", "cacerts", { "ca-cert.pem": rootPem("b"), "ca-key.pem": CA_KEY }, ["b"]],
    ["with text around it", "cacerts", { "ca-cert.pem": `# ours\n${rootPem("b")}`, "cert-chain.pem": "" }, ["b"]],
    ["as cert-manager writes it", "cacerts", { "tls.crt": rootPem("b") + rootPem("a"), "tls.key": CA_KEY }, ["b", "a"]],
    ["that istiod has made", "istio-ca-secret", caSecret(rootPem("a"), ""), ["a"]],
  ])("is read: one %s", async (_what, name, texts, roots) => {
    const { plane, put } = opened();
    put(name, texts);
    expect(await plane().readCaChain()).toEqual(roots.map((root) => rootPem(root).trim()));
  });

  it("is the operator's where there are both", async () => {
    const { plane, put } = opened();
    put("istio-ca-secret", caSecret(rootPem("a"), ""));
    put("cacerts", caSecret(rootPem("b"), ""));
    expect(await plane().readCaChain()).toEqual([rootPem("b").trim()]);
  });

  it.each([
    ["none", {}],
    ["one without a certificate", { "ca-cert.pem": CA_KEY }],
    ["one of another shape", { "ca-key.pem": CA_KEY, token: CA_KEY }],
  ])("is missing, by its name, and its key is in no error: %s", async (_what, texts) => {
    const { plane, put } = opened();
    if (Object.keys(texts).length > 0) put("cacerts", texts);
    const failure = await failureOf(plane().readCaChain());
    expect(failure).toMatch(/control-plane-incomplete.*istio-system\/cacerts/);
    expect(failure).not.toContain("bm8ga2V5");
  });

  it("leaves nothing of an answer that is not JSON in the error", async () => {
    const { plane } = opened();
    const fetch: KubernetesFetch = async () => ({
      status: 200,
      headers: [["content-type", "application/json"]],
      text: async () => '{"data": {"ca-key.pem": bm8ga2V5',
    });
    expect(await failureOf(plane(fetch).readCaChain())).not.toContain("bm8ga");
  });
});
