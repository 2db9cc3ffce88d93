import { loadAllYaml } from "@kubernetes/client-node";
import {
  inProcessFetch,
  Kubernetes,
  Simulator,
  type SimulatorRequest,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { KUBERNETES_GROUP, rbacManifest } from "../../cli/commands/kubernetes-rbac.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";

const ruleSchema = z.strictObject({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
const objectSchema = z.looseObject({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  rules: z.array(ruleSchema).default([]),
  roleRef: z.object({ kind: z.string(), name: z.string() }).optional(),
  subjects: z.array(z.object({ kind: z.string(), name: z.string() })).default([]),
});
const objects = z.array(objectSchema).parse(loadAllYaml(rbacManifest()));

interface Access {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** The accesses that the API server checks for a request. A server-side apply needs `create` in addition to `patch`. */
function accessesOf({ method, path }: SimulatorRequest): readonly Access[] {
  const [, group = "", namespaced, second, third] =
    /\/(?:api|apis\/([\w.]+))\/v1\/(?:namespaces\/([\w-]+)\/)?(\w+)(?:\/([\w-]+))?$/.exec(path.split("?")[0] ?? "") ??
    [];
  if (method === "POST") return [{ group, resource: second ?? "", verb: "create", namespace: namespaced, name: third }];
  const verbs = method === "PATCH" ? ["patch", "create"] : [third === undefined ? "list" : "get"];
  return verbs.map((verb) => ({ group, resource: second ?? "", verb, namespace: namespaced, name: third }));
}

function allows({ kind, metadata, rules }: z.output<typeof objectSchema>, access: Access): boolean {
  if (kind !== "ClusterRole" && (kind !== "Role" || metadata.namespace !== access.namespace)) return false;
  return rules.some(
    ({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.includes(access.group) &&
      resources.includes(access.resource) &&
      verbs.includes(access.verb) &&
      (resourceNames === undefined || (access.name !== undefined && resourceNames.includes(access.name))),
  );
}

/** Every request of the gateway. */
async function requestsOfGateway(): Promise<readonly SimulatorRequest[]> {
  const requests: SimulatorRequest[] = [];
  const simulator = new Simulator({ clock: new VirtualClock(0) });
  const kubernetes = simulator.add(
    (context) =>
      new Kubernetes(context, {
        controlPlane: "main",
        kubeconfigToken: "token",
        network: "eks",
        rootCaPem: "pem",
        eastWestHostname: "eastwest.example.com",
        istiodVersion: "1.28.0",
      }),
  );
  kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "plain" } });
  const plane = controlPlane({
    name: "main",
    labelNamespaces: true,
    now: () => 0,
    connect: async () => ({ server: "http://lab/kubernetes/main", user: { bearerToken: async () => "token" } }),
    fetch: inProcessFetch(async (request) => {
      requests.push(request);
      return kubernetes.handle(request);
    }),
  });
  await plane.readMeshFacts();
  for (const namespace of ["web", "plain"]) await plane.ensureNamespace(namespace);
  const identity = { namespace: "web", serviceAccount: "web", roleArn: "arn:aws:iam::111111111111:role/web" };
  await plane.ensureServiceAccount(identity);
  await plane.readBindings("web", "web");
  await plane.listBindings("web");
  await plane.listAmbientNamespaces(1);
  await plane.listAllBindings(1);
  await plane.unbind(identity);
  await plane.listWorkloadEntries({ namespace: "web" });
  await plane.listWorkloadEntries({});
  return requests;
}

describe("the RBAC manifest", () => {
  it("allows every call of the control plane's gateway", async () => {
    const accesses = (await requestsOfGateway()).flatMap(accessesOf);
    expect(accesses.length).toBeGreaterThanOrEqual(8);
    for (const access of accesses)
      expect(
        objects.some((object) => allows(object, access)),
        JSON.stringify(access),
      ).toBe(true);
  });

  it("allows nothing that the gateway doesn't use", async () => {
    const accesses = (await requestsOfGateway()).flatMap(accessesOf);
    for (const object of objects)
      for (const rule of object.rules)
        for (const verb of rule.verbs) {
          const only = { ...object, rules: [{ ...rule, verbs: [verb] }] };
          expect(
            accesses.some((access) => allows(only, access)),
            `${verb} ${rule.resources.join()}`,
          ).toBe(true);
        }
  });

  it("binds each role to the group of the access entries", () => {
    const bindings = objects.filter(({ kind }) => kind.endsWith("Binding"));
    const roles = objects.filter(({ kind }) => !kind.endsWith("Binding"));
    expect(bindings.map(({ roleRef, metadata }) => [roleRef?.kind, metadata.namespace])).toEqual(
      roles.map(({ kind, metadata }) => [kind, metadata.namespace]),
    );
    for (const { subjects, roleRef } of bindings) {
      expect(subjects).toEqual([expect.objectContaining({ kind: "Group", name: KUBERNETES_GROUP })]);
      expect(roleRef?.name).toBe(KUBERNETES_GROUP);
    }
  });
});
