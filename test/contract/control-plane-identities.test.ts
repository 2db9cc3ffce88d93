import {
  inProcessFetch,
  Kubernetes,
  Simulator,
  type SimulatorRequest,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { type ControlPlaneOptions, controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";
import { boundRole } from "../support/bindings.ts";

const roleArn = "arn:aws:iam::111111111111:role/ecs/ambient/web";
const identity = { namespace: "web", serviceAccount: "web", roleArn };

describe("identities in the control plane", () => {
  let kubernetes: Kubernetes;
  let plane: ControlPlaneCalls;
  /** Answers a request in place of the API, or does something before it. */
  let answers: (request: SimulatorRequest) => ReturnType<Kubernetes["handle"]> | undefined;

  const connected = (options: Partial<ControlPlaneOptions> = {}) =>
    controlPlane({
      name: "main",
      now: () => 0,
      connect: async () => ({ server: "http://lab/kubernetes/main", user: { bearerToken: async () => "token" } }),
      fetch: inProcessFetch(async (request) => answers(request) ?? kubernetes.handle(request)),
      ...options,
    });
  const labeling = () => connected({ labelNamespaces: true });

  beforeEach(() => {
    answers = () => undefined;
    const mesh = { network: "eks", rootCaPem: "", eastWestHostname: "eastwest.example.com", istiodVersion: "1.28.0" };
    kubernetes = new Simulator({ clock: new VirtualClock(0) }).add(
      (context) => new Kubernetes(context, { controlPlane: "main", kubeconfigToken: "token", ...mesh }),
    );
    plane = connected();
  });

  const metadataOf = (object: JsonObject | undefined): JsonObject => {
    const metadata = object?.metadata;
    return typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)
      ? (metadata as JsonObject)
      : {};
  };
  const object = (kind: string, name: string) =>
    kubernetes.state().find((item) => item.kind === kind && metadataOf(item).name === name);
  const putAccount = (name: string, annotations: Record<string, string> = {}) =>
    kubernetes.put({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "web", annotations } });

  it("adds labels to an existing namespace where it may, and removes none", async () => {
    await labeling().ensureNamespace("istio-eastwest");
    expect(metadataOf(object("Namespace", "istio-eastwest")).labels).toMatchObject({
      "kubernetes.io/metadata.name": "istio-eastwest",
      "istio.io/dataplane-mode": "ambient",
    });
  });

  it("doesn't change a namespace that somebody else keeps out of the mesh, even where it may label", async () => {
    kubernetes.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "web", labels: { "istio.io/dataplane-mode": "none" } },
    });
    await expect(labeling().ensureNamespace("web")).rejects.toMatchObject({
      code: "control-plane-refused",
      detail: expect.stringMatching(/Namespace web: HTTP 409: .*dataplane-mode/),
    });
    expect(metadataOf(object("Namespace", "web")).labels).toMatchObject({ "istio.io/dataplane-mode": "none" });
  });

  it("ignores EKS's own annotation where the configuration says so", async () => {
    await plane.ensureNamespace("web");
    const annotations = { "eks.amazonaws.com/role-arn": `${roleArn}-pods` };
    putAccount("web", annotations);
    await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
    const ignoring = connected({ eksRoleAnnotation: "ignore" });
    await ignoring.ensureServiceAccount(identity);
    expect(metadataOf(object("ServiceAccount", "web")).annotations).toEqual({
      ...annotations,
      "ecs.solo.io/role-arn": roleArn,
    });
  });

  const json = (body: string) => ({ status: 200, headers: { "content-type": "application/json" }, body });
  it.each(['{"kind":"Status"}', "{}", "null", "false", "0", '""', "[]"])(
    "take an answer that is another object, or none, for an error, not for an absence: %s",
    async (body) => {
      await plane.ensureNamespace("web");
      answers = ({ method }) => (method === "GET" ? Promise.resolve(json(body)) : undefined);
      const incomplete = { code: "control-plane-incomplete", retryable: false };
      await expect(plane.readBindings("web", "web")).rejects.toMatchObject(incomplete);
      await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject(incomplete);
      await expect(plane.unbind(identity)).rejects.toMatchObject(incomplete);
      await expect(plane.readNamespace("other")).rejects.toMatchObject(incomplete);
      await expect(plane.ensureNamespace("other")).rejects.toMatchObject(incomplete);
    },
  );

  const races = [1, 2, 3].flatMap((request) => [true, false].map((exists) => ({ request, exists })));
  it.each(races)(
    "bind one of two roles: the other is bound before request $request, the account exists: $exists",
    async ({ request, exists }) => {
      await plane.ensureNamespace("web");
      if (exists) putAccount("web");
      let left = request;
      answers = () => {
        left -= 1;
        if (left === 0) putAccount("web", { "ecs.solo.io/role-arn": `${roleArn}-other` });
        return undefined;
      };
      const refused = { code: "control-plane-refused" };
      await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject(refused);
      expect(await boundRole(plane, "web", "web")).toBe(`${roleArn}-other`);
    },
  );

  it("are bound again by the version that was read, when somebody changes something else meanwhile", async () => {
    await plane.ensureNamespace("web");
    putAccount("web");
    let left = 2;
    answers = () => {
      left -= 1;
      if (left === 0) putAccount("web", { team: "shop" });
      return undefined;
    };
    await plane.ensureServiceAccount(identity);
    expect(metadataOf(object("ServiceAccount", "web")).annotations).toEqual({
      team: "shop",
      "ecs.solo.io/role-arn": roleArn,
    });
  });

  it("are unbound with all else left as it is", async () => {
    await plane.ensureNamespace("web");
    putAccount("web", { team: "shop" });
    await plane.ensureServiceAccount(identity);
    await plane.unbind(identity);
    expect(metadataOf(object("ServiceAccount", "web")).annotations).toEqual({ team: "shop" });
  });

  it("are listed over all pages", async () => {
    await plane.ensureNamespace("web");
    for (let index = 0; index < 501; index += 1)
      putAccount(`a-${index}`, { "ecs.solo.io/role-arn": `${roleArn}-${index}` });
    const bindings = await plane.listBindings("web");
    expect(bindings.get("a-500")).toEqual([{ annotation: "ecs.solo.io/role-arn", roleArn: `${roleArn}-500` }]);
    expect([...bindings.keys()].filter((name) => name.startsWith("a-"))).toHaveLength(501);
  });
});
