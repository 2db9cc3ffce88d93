import { beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import { facts } from "../support/services.ts";
import { simulatedControlPlane } from "../support/simulated-clients.ts";

const LABEL = "istio.io/expose-istiod";

/** A Service that exposes istiod at `<name>.example.com`. */
function gateway(namespace: string, name: string, given: { labels?: object; spec?: object; status?: object } = {}) {
  const { labels = { [LABEL]: "15012" }, spec = {} } = given;
  const { status = { loadBalancer: { ingress: [{ hostname: `${name}.example.com` }] } } } = given;
  const metadata = { namespace, name, labels: { ...labels } };
  return { apiVersion: "v1", kind: "Service", metadata, spec: { ...spec }, status: { ...status } };
}

describe("the gateway that exposes istiod", () => {
  let put: (object: JsonObject) => void;
  let remove: (object: JsonObject) => void;
  let read: () => Promise<{ readonly istiodUrl: string; readonly otherGateways?: readonly string[] | undefined }>;
  const guide = gateway("istio-eastwest", "istio-eastwest");

  beforeEach(() => {
    const { clock, kubernetes, connect, fetch } = simulatedControlPlane({
      network: facts.network,
      rootCaPem: facts.rootCaPem,
      eastWestHostname: "istio-eastwest.example.com",
      istiodVersion: "1.28.0",
    });
    const plane = controlPlane({ name: "main", now: () => clock.now(), connect, fetch });
    put = (object) => kubernetes.put(object);
    remove = (object) => kubernetes.delete(object);
    read = () => plane.readMeshFacts();
  });

  it("is found by its label, in any namespace and under any name", async () => {
    remove(guide);
    put(gateway("istio-system", "eastwest", { labels: { [LABEL]: "15010" } }));
    expect(await read()).toMatchObject({ istiodUrl: "https://eastwest.example.com:15010" });
  });

  it("stays the same beside others, which are named", async () => {
    put(gateway("a", "a"));
    put(gateway("istio-system", "eastwest"));
    expect(await read()).toMatchObject({
      istiodUrl: "https://istio-eastwest.example.com:15012",
      otherGateways: ["a/a", "istio-system/eastwest"],
    });
    remove(guide);
    expect(await read()).toMatchObject({
      istiodUrl: "https://a.example.com:15012",
      otherGateways: ["istio-system/eastwest"],
    });
  });

  it("is an internal one only where there is no other", async () => {
    remove(guide);
    put(gateway("a", "inside", { labels: { [LABEL]: "15012", "istio.io/expose-istiod-mode": "internal" } }));
    expect(await read()).toMatchObject({ istiodUrl: "https://inside.example.com:15012" });
    put(gateway("b", "outside"));
    const found = await read();
    expect(found).toMatchObject({ istiodUrl: "https://outside.example.com:15012" });
    expect(found).not.toHaveProperty("otherGateways");
  });

  it("has external addresses where no load balancer gives it one", async () => {
    remove(guide);
    put(gateway("a", "a", { spec: { externalIPs: ["203.0.113.9", "203.0.113.7"] }, status: {} }));
    expect(await read()).toMatchObject({ istiodUrl: "https://203.0.113.7:15012" });
  });

  it.each(["0", "65536", "99999", "true", "15012x", ""])(
    "is not usable with the port %j: another one is taken, or the Service is named",
    async (port) => {
      put(gateway("istio-eastwest", "istio-eastwest", { labels: { [LABEL]: port } }));
      await expect(read()).rejects.toMatchObject({
        code: "control-plane-incomplete",
        detail: `main: Service istio-eastwest/istio-eastwest lacks a port from 1 to 65535 in its label ${LABEL}`,
      });
      put(gateway("istio-system", "eastwest"));
      expect(await read()).toMatchObject({ istiodUrl: "https://eastwest.example.com:15012" });
    },
  );
});
