import { beforeEach, describe, expect, it } from "vitest";
import { AutopilotError } from "../../shared/base/errors.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeControlPlane, type Workload } from "../support/fakes/control-plane.ts";
import { facts, rootPem } from "../support/services.ts";
import { simulatedControlPlane } from "../support/simulated-clients.ts";

interface Subject {
  readonly port: ControlPlaneCalls;
  readonly now: () => number;
  wait(ms: number): Promise<void>;
  rotateRootCa(rootCaPem: string): void;
  keepOut(namespace: string): void;
  bind(namespace: string, serviceAccount: string, roleArn: string): Promise<void>;
  know(workloads: readonly Workload[]): Promise<void>;
  fail(call: keyof ControlPlaneCalls): void;
}

function throughGateway(): Subject {
  const { clock, faults, kubernetes, connect, fetch } = simulatedControlPlane({
    network: facts.network,
    rootCaPem: facts.rootCaPem,
    eastWestHostname: "istiod.example.com",
    istiodVersion: "1.28.0",
  });
  const port = controlPlane({ name: "main", now: () => clock.now(), connect, fetch });
  return {
    port,
    now: () => clock.now(),
    wait: (ms) => clock.advance(ms),
    rotateRootCa: (rootCaPem) => kubernetes.setRootCa(rootCaPem),
    keepOut: (name) => {
      const labels = { "istio.io/dataplane-mode": "none" };
      kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
    },
    bind: async (namespace, serviceAccount, roleArn) => {
      await port.ensureNamespace(namespace);
      const annotations = { "ecs.solo.io/role-arn": roleArn };
      const metadata = { name: serviceAccount, namespace, annotations };
      kubernetes.put({ apiVersion: "v1", kind: "ServiceAccount", metadata });
    },
    know: async (workloads) => {
      for (const { namespace, serviceName, address } of workloads) {
        const labels = serviceName === undefined ? {} : { "ecs.solo.io/service": serviceName };
        kubernetes.put({
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadEntry",
          metadata: { name: `entry-${address}`, namespace, labels },
          spec: { address },
        });
      }
    },
    fail: () => faults.add({ kind: "kubernetes-down" }),
  };
}

function fake(): Subject {
  const clock = { nowMs: Date.parse("2026-11-21T03:00:00Z") };
  const port = new FakeControlPlane(() => clock.nowMs);
  port.workloads = [];
  return {
    port,
    now: () => clock.nowMs,
    wait: async (ms) => {
      clock.nowMs += ms;
    },
    rotateRootCa: (rootCaPem) => {
      port.facts = { ...port.facts, rootCaPem };
    },
    keepOut: (namespace) => port.keptOut.add(namespace),
    bind: async (namespace, serviceAccount, roleArn) => {
      await port.ensureNamespace(namespace);
      port.bound.set(`${namespace}/${serviceAccount}`, roleArn);
    },
    know: async (workloads) => {
      port.workloads = workloads;
    },
    fail: (call) => failCalls(port, call, "control-plane-unreachable"),
  };
}

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the control plane %s", (_name, open) => {
  const roleArn = "arn:aws:iam::123456789012:role/ecs/ambient/web";
  const identity = { namespace: "shop", serviceAccount: "web", roleArn };
  let subject: Subject;
  let port: ControlPlaneCalls;
  beforeEach(() => {
    subject = open();
    port = subject.port;
  });

  it("has the mesh facts, and the time when they were read", async () => {
    const read = () => ({ ...facts, readAt: new Date(subject.now()).toISOString() });
    expect(await port.readMeshFacts()).toEqual(read());
    await subject.wait(60_000);
    subject.rotateRootCa(rootPem("b"));
    expect(await port.readMeshFacts()).toEqual({ ...read(), rootCaPem: rootPem("b") });
  });

  it("creates a namespace once, and binds a service account in it", async () => {
    await port.ensureNamespace("shop");
    await port.ensureNamespace("shop");
    expect(await port.boundRole("shop", "web")).toBeUndefined();
    await port.ensureServiceAccount(identity);
    await port.ensureServiceAccount(identity);
    expect(await port.boundRole("shop", "web")).toBe(roleArn);
    expect(await port.boundRole("shop", "api")).toBeUndefined();
    expect(await port.boundRole("other", "web")).toBeUndefined();
  });

  it("doesn't change a service account that is bound to the same role with another path", async () => {
    await subject.bind("shop", "web", roleArn);
    await port.ensureServiceAccount({ ...identity, roleArn: "arn:aws:iam::123456789012:role/web" });
    expect(await port.boundRole("shop", "web")).toBe(roleArn);
  });

  it("refuses a service account that is bound to another role", async () => {
    await subject.bind("shop", "web", "arn:aws:iam::123456789012:role/api");
    await expect(port.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(await port.boundRole("shop", "web")).toBe("arn:aws:iam::123456789012:role/api");
  });

  it("refuses a service account in a namespace that doesn't exist", async () => {
    await expect(port.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(await port.boundRole("shop", "web")).toBeUndefined();
  });

  it("refuses a namespace that somebody keeps out of the mesh", async () => {
    subject.keepOut("shop");
    await expect(port.ensureNamespace("shop")).rejects.toMatchObject({
      code: "control-plane-refused",
      retryable: false,
    });
  });

  it("lists a namespace's workloads, and those of one service if istiod has labeled them", async () => {
    for (const namespace of ["shop", "other"]) await port.ensureNamespace(namespace);
    await subject.know([
      { namespace: "shop", serviceName: "web", address: "10.0.0.1" },
      { namespace: "shop", serviceName: "api", address: "10.0.0.2" },
      { namespace: "shop", serviceName: undefined, address: "10.0.0.3" },
      { namespace: "other", serviceName: "web", address: "10.0.0.4" },
    ]);
    expect(await port.listWorkloadEntryAddresses("shop", "web")).toEqual(new Set(["10.0.0.1"]));
    expect(await port.listWorkloadEntryAddresses("shop", "cart")).toEqual(new Set());
    const all = new Set(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    expect(await port.listWorkloadEntryAddresses("shop")).toEqual(all);
    expect(await port.listWorkloadEntryAddresses("nowhere")).toEqual(new Set());
  });

  it("lists all workloads of a namespace for a service whose name can't be a label's value", async () => {
    await port.ensureNamespace("shop");
    await subject.know([{ namespace: "shop", serviceName: undefined, address: "10.0.0.1" }]);
    for (const name of ["c".repeat(64), "cart_"]) {
      expect(await port.listWorkloadEntryAddresses("shop", name)).toEqual(new Set(["10.0.0.1"]));
    }
  });

  it.each<[keyof ControlPlaneCalls, () => Promise<unknown>]>([
    ["readMeshFacts", () => port.readMeshFacts()],
    ["ensureNamespace", () => port.ensureNamespace("shop")],
    ["ensureServiceAccount", () => port.ensureServiceAccount(identity)],
    ["boundRole", () => port.boundRole("shop", "web")],
    ["listWorkloadEntryAddresses", () => port.listWorkloadEntryAddresses("shop")],
  ])("fails as control-plane-unreachable: %s", async (call, run) => {
    subject.fail(call);
    const failure: unknown = await run().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AutopilotError);
    expect(failure).toMatchObject({ code: "control-plane-unreachable", retryable: true });
  });
});
