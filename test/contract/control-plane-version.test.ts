import { inProcessFetch, Kubernetes, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

/** The version that the control plane reads from istiod's deployment with these containers. */
async function versionOf(containers: readonly JsonObject[]): Promise<string | undefined> {
  const simulator = new Simulator({ clock: new VirtualClock(0) });
  const kubernetes = simulator.add(
    (context) =>
      new Kubernetes(context, {
        controlPlane: "main",
        kubeconfigToken: "token",
        network: "eks",
        rootCaPem: "PEM",
        eastWestHostname: "eastwest.example.com",
        istiodVersion: "1.28.0",
      }),
  );
  kubernetes.put({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "istiod", namespace: "istio-system" },
    spec: { template: { spec: { containers } } },
  });
  const plane = controlPlane({
    name: "main",
    now: () => 0,
    connect: async () => ({ server: "http://lab/kubernetes/main", user: { bearerToken: async () => "token" } }),
    fetch: inProcessFetch((request) => kubernetes.handle(request)),
  });
  return (await plane.readMeshFacts()).istiodVersion;
}

describe("istiod's version", () => {
  it.each([
    ["r/pilot:1.29.0-solo", "1.29.0-solo"],
    ["r:5000/pilot:1.29.0", "1.29.0"],
    [`r:5000/pilot:1.29.0@${DIGEST}`, "1.29.0"],
    [`r/pilot@${DIGEST}`, undefined],
    [`r:5000/pilot@${DIGEST}`, undefined],
    ["r:5000/pilot", undefined],
    ["pilot", undefined],
  ])("is the tag of its image: %s", async (image, version) => {
    expect(await versionOf([{ name: "discovery", image }])).toBe(version);
  });

  it("is that of istiod's container, wherever it is", async () => {
    const proxy = { name: "istio-proxy", image: "r/proxyv2:1.20.0" };
    expect(await versionOf([proxy, { name: "discovery", image: "r/pilot:1.29.0" }])).toBe("1.29.0");
    expect(await versionOf([{ name: "pilot", image: "r/pilot:1.29.0" }])).toBe("1.29.0");
  });
});
