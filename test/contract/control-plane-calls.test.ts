import { beforeEach, describe, expect, it } from "vitest";
import { AutopilotError } from "../../shared/base/errors.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import type { WorkloadEntry, WorkloadEntrySelection } from "../../shared/model/workload-entry.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { boundRole } from "../support/bindings.ts";
import { caSecret, secretObject } from "../support/ca-secrets.ts";
import { FakeControlPlane } from "../support/fakes/control-plane.ts";
import { facts, rootPem } from "../support/services.ts";
import { simulatedControlPlane } from "../support/simulated-clients.ts";
import { workloadEntryObject, workloadEntryOf } from "../support/workload-entries.ts";

function entry(name: string, changes: Partial<WorkloadEntry> = {}): WorkloadEntry {
  return workloadEntryOf(`arn:aws:ecs:us-east-1:123456789012:task/prod/${name}`, { name, ...changes });
}

interface Subject {
  readonly port: ControlPlaneCalls;
  readonly now: () => number;
  wait(ms: number): Promise<void>;
  rotateRootCa(rootCaPem: string): void;
  /** The CA that an operator has plugged in, with its intermediates. */
  plugCa(certificate: string, chain: string): void;
  keepOut(namespace: string): void;
  bind(namespace: string, serviceAccount: string, roleArn: string, annotation?: string): Promise<void>;
  know(entries: readonly WorkloadEntry[]): Promise<void>;
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
    plugCa: (certificate, chain) => kubernetes.put(secretObject("cacerts", caSecret(certificate, chain))),
    keepOut: (name) => {
      const labels = { "istio.io/dataplane-mode": "none" };
      kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
    },
    bind: async (namespace, serviceAccount, roleArn, annotation = "ecs.solo.io/role-arn") => {
      await port.ensureNamespace(namespace);
      const annotations = { [annotation]: roleArn };
      const metadata = { name: serviceAccount, namespace, annotations };
      kubernetes.put({ apiVersion: "v1", kind: "ServiceAccount", metadata });
    },
    know: async (entries) => {
      for (const one of entries) kubernetes.put(workloadEntryObject(one));
    },
    fail: () => faults.add({ kind: "kubernetes-down" }),
  };
}

function fake(): Subject {
  const clock = { nowMs: Date.parse("2026-11-21T03:00:00Z") };
  const port = new FakeControlPlane(() => clock.nowMs);
  port.entries = [];
  return {
    port,
    now: () => clock.nowMs,
    wait: async (ms) => {
      clock.nowMs += ms;
    },
    rotateRootCa: (rootCaPem) => {
      port.facts = { ...port.facts, rootCaPem };
    },
    plugCa: (certificate, chain) => {
      port.caChain = [certificate.trim(), chain.trim()];
    },
    keepOut: (namespace) => port.keptOut.add(namespace),
    bind: async (namespace, serviceAccount, roleArn, annotation) => {
      await port.ensureNamespace(namespace);
      (annotation === undefined ? port.bound : port.eksBound).set(`${namespace}/${serviceAccount}`, roleArn);
    },
    know: async (entries) => {
      port.entries = entries;
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

  it("has the certificates that istiod signs with, its own first", async () => {
    await expect(port.readCaChain()).rejects.toMatchObject({ code: "control-plane-incomplete" });
    subject.plugCa(rootPem("b"), rootPem("a"));
    expect(await port.readCaChain()).toEqual([rootPem("b").trim(), rootPem("a").trim()]);
  });

  it("creates a namespace once, and binds a service account in it", async () => {
    await port.ensureNamespace("shop");
    await port.ensureNamespace("shop");
    expect(await boundRole(port, "shop", "web")).toBeUndefined();
    await port.ensureServiceAccount(identity);
    await port.ensureServiceAccount(identity);
    expect(await boundRole(port, "shop", "web")).toBe(roleArn);
    expect(await boundRole(port, "shop", "api")).toBeUndefined();
    expect(await boundRole(port, "other", "web")).toBeUndefined();
  });

  it("doesn't change a service account that is bound to the same role with another path", async () => {
    await subject.bind("shop", "web", roleArn);
    await port.ensureServiceAccount({ ...identity, roleArn: "arn:aws:iam::123456789012:role/web" });
    expect(await boundRole(port, "shop", "web")).toBe(roleArn);
  });

  it("refuses a service account that is bound to another role", async () => {
    await subject.bind("shop", "web", "arn:aws:iam::123456789012:role/api");
    await expect(port.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(await boundRole(port, "shop", "web")).toBe("arn:aws:iam::123456789012:role/api");
  });

  it("refuses a service account in a namespace that doesn't exist", async () => {
    await expect(port.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(await boundRole(port, "shop", "web")).toBeUndefined();
  });

  it("leaves a namespace as it is that somebody keeps out of the mesh", async () => {
    subject.keepOut("shop");
    await port.ensureNamespace("shop");
    expect(await port.readNamespace("shop")).toBe("not-ambient");
  });

  it("knows which namespaces are in the mesh, and takes istio-system as it is", async () => {
    expect(await port.readNamespace("shop")).toBe("absent");
    await port.ensureNamespace("shop");
    expect(await port.readNamespace("shop")).toBe("ambient");
    expect(await port.readNamespace("istio-system")).toBe("ambient");
  });

  it("counts EKS's own annotation as a binding, too", async () => {
    const other = "arn:aws:iam::123456789012:role/pods";
    await subject.bind("shop", "web", other, "eks.amazonaws.com/role-arn");
    expect(await port.readBindings("shop", "web")).toEqual([
      { annotation: "eks.amazonaws.com/role-arn", roleArn: other },
    ]);
    await expect(port.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    await port.ensureServiceAccount({ ...identity, roleArn: other });
  });

  it("takes an empty annotation for no binding", async () => {
    await subject.bind("shop", "web", "");
    expect(await port.readBindings("shop", "web")).toEqual([]);
    await port.ensureServiceAccount(identity);
    expect(await boundRole(port, "shop", "web")).toBe(roleArn);
  });

  it("removes its binding to the very role, and no other", async () => {
    await port.ensureNamespace("shop");
    await port.ensureServiceAccount(identity);
    await port.unbind({ ...identity, roleArn: "arn:aws:iam::123456789012:role/api" });
    expect(await boundRole(port, "shop", "web")).toBe(roleArn);
    await port.unbind(identity);
    await port.unbind(identity);
    expect(await port.readBindings("shop", "web")).toEqual([]);
    await port.unbind({ ...identity, serviceAccount: "missing" });
  });

  it("lists the bindings of a namespace", async () => {
    await subject.bind("shop", "web", roleArn);
    await subject.bind("other", "web", "arn:aws:iam::123456789012:role/other");
    const bindings = await port.listBindings("shop");
    expect(bindings.get("web")).toEqual([{ annotation: "ecs.solo.io/role-arn", roleArn }]);
    expect([...bindings.values()].flat()).toHaveLength(1);
    expect((await port.listBindings("nowhere")).size).toBe(0);
  });

  it("lists the bindings of all namespaces, and the namespaces in the mesh", async () => {
    await port.ensureNamespace("shop");
    await subject.bind("shop", "web", roleArn);
    const other = "arn:aws:iam::123456789012:role/other";
    await subject.bind("other", "web", other);
    const all = await port.listAllBindings(9);
    expect(all?.get("shop")?.get("web")).toEqual([{ annotation: "ecs.solo.io/role-arn", roleArn }]);
    expect(all?.get("other")?.get("web")).toEqual([{ annotation: "ecs.solo.io/role-arn", roleArn: other }]);
    expect((await port.listAmbientNamespaces(9))?.has("shop")).toBe(true);
    expect((await port.listAmbientNamespaces(9))?.has("nowhere")).toBe(false);
  });

  describe("lists WorkloadEntries", () => {
    const web = entry("web", { labels: { "ecs.solo.io/service": "web" } });
    const unlabeled = entry("unlabeled", { labels: {}, address: "2600:1f18::7" });
    const bare = entry("bare", { labels: {}, annotations: {}, address: undefined, serviceAccount: undefined });
    const elsewhere = entry("elsewhere", { namespace: "other" });
    const list = async (selection: WorkloadEntrySelection) =>
      [...(await port.listWorkloadEntries(selection))].sort((one, other) => one.name.localeCompare(other.name));
    beforeEach(async () => {
      for (const namespace of ["shop", "other"]) await port.ensureNamespace(namespace);
      await subject.know([web, unlabeled, bare, elsewhere]);
    });

    it("of a namespace", async () => {
      expect(await list({ namespace: "shop" })).toEqual([bare, unlabeled, web]);
      expect(await list({ namespace: "nowhere" })).toEqual([]);
    });

    it("of one service, if istiod has labeled them", async () => {
      expect(await list({ namespace: "shop", serviceName: "web" })).toEqual([web]);
      expect(await list({ namespace: "shop", serviceName: "cart" })).toEqual([]);
    });

    it.each(["c".repeat(64), "cart_"])(
      "all of them for a service whose name can't be a label's value: %s",
      async (name) => {
        expect(await list({ namespace: "shop", serviceName: name })).toEqual([bare, unlabeled, web]);
      },
    );

    it("of all namespaces", async () => {
      expect(await list({})).toEqual([bare, elsewhere, unlabeled, web]);
    });
  });

  it.each<[keyof ControlPlaneCalls, () => Promise<unknown>]>([
    ["readMeshFacts", () => port.readMeshFacts()],
    ["readCaChain", () => port.readCaChain()],
    ["ensureNamespace", () => port.ensureNamespace("shop")],
    ["ensureServiceAccount", () => port.ensureServiceAccount(identity)],
    ["readNamespace", () => port.readNamespace("shop")],
    ["listBindings", () => port.listBindings("shop")],
    ["listAmbientNamespaces", () => port.listAmbientNamespaces(1)],
    ["listAllBindings", () => port.listAllBindings(1)],
    ["unbind", () => port.unbind(identity)],
    ["readBindings", () => boundRole(port, "shop", "web")],
    ["listWorkloadEntries", () => port.listWorkloadEntries({ namespace: "shop" })],
  ])("fails as control-plane-unreachable: %s", async (call, run) => {
    subject.fail(call);
    const failure: unknown = await run().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AutopilotError);
    expect(failure).toMatchObject({ code: "control-plane-unreachable", retryable: true });
  });
});
