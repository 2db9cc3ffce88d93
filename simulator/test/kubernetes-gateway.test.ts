import { describe, expect, it } from "vitest";
import { kubernetesHarness } from "./kubernetes-harness.ts";

const SERVICES = "/api/v1/namespaces/istio-eastwest/services";
const PATH = `${SERVICES}/istio-eastwest`;
const OLD = { hostname: "old-gateway.eastwest.example.com" };
const OWN = { hostname: "eastwest.example.com" };

describe("The east-west gateway's Service", () => {
  it("has the addresses and external IPs that the options name", async () => {
    const { send } = kubernetesHarness({
      eastWestAddresses: [{ ip: "203.0.113.7" }, { hostname: "a.example.com", ip: "203.0.113.8" }],
      eastWestExternalIps: ["198.51.100.1"],
    });
    expect((await send({ path: PATH })).body).toMatchObject({
      spec: { externalIPs: ["198.51.100.1"] },
      status: {
        loadBalancer: { ingress: [{ ip: "203.0.113.7" }, { hostname: "a.example.com", ip: "203.0.113.8" }] },
      },
    });
  });

  it("has a dead address too while the fault several-gateways strikes, in another order every time", async () => {
    const { send, faults } = kubernetesHarness();
    faults.add({ kind: "several-gateways", match: { controlPlane: "main" }, count: 3 });
    const status = (ingress: readonly object[]) => ({ status: { loadBalancer: { ingress } } });
    expect((await send({ path: PATH })).body).toMatchObject(status([OLD, OWN]));
    expect((await send({ path: SERVICES })).body.items).toMatchObject([status([OWN, OLD])]);
    expect((await send({ path: PATH })).body).toMatchObject(status([OLD, OWN]));
    expect((await send({ path: PATH })).body).toMatchObject(status([OWN]));
  });
});
