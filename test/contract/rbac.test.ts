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
import { CA_GROUP, KUBERNETES_GROUP, rbacManifest } from "../../cli/commands/kubernetes-rbac.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";

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
function objectsWith(options: { readonly readCaSecret: boolean }) {
  return z.array(objectSchema).parse(loadAllYaml(rbacManifest(options)));
}
const objects = objectsWith({ readCaSecret: false });
const objectsWithCa = objectsWith({ readCaSecret: true });

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
async function requestsOfGateway(
  more: (plane: ControlPlaneCalls) => Promise<unknown> = async () => undefined,
): Promise<readonly SimulatorRequest[]> {
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
  await more(plane);
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

  it("allows the CA secret to be read where that is granted, by a group of its own; nothing else differs", async () => {
    const [ca, ...others] = objectsWithCa.filter(({ kind, metadata }) => kind === "Role" && metadata.name === CA_GROUP);
    expect(others).toEqual([]);
    expect(ca?.rules).toEqual([
      { apiGroups: [""], resources: ["secrets"], resourceNames: ["cacerts", "istio-ca-secret"], verbs: ["get"] },
    ]);
    expect(objectsWithCa.filter(({ metadata }) => metadata.name !== CA_GROUP)).toEqual(objects);
    const accesses = (await requestsOfGateway((plane) => plane.readCaChain().catch(() => [])))
      .flatMap(accessesOf)
      .filter(({ resource }) => resource === "secrets");
    expect(accesses.map(({ name }) => name)).toEqual(["cacerts", "istio-ca-secret"]);
    for (const access of accesses) expect(ca && allows(ca, access)).toBe(true);
  });

  it("binds each role to its group: that of the access entries, and that of the CA secret's reader", () => {
    const bindings = objectsWithCa.filter(({ kind }) => kind.endsWith("Binding"));
    const roles = objectsWithCa.filter(({ kind }) => !kind.endsWith("Binding"));
    expect(bindings.map(({ roleRef, metadata }) => [roleRef?.kind, metadata.namespace])).toEqual(
      roles.map(({ kind, metadata }) => [kind, metadata.namespace]),
    );
    for (const { subjects, roleRef, metadata } of bindings) {
      const name = metadata.name === CA_GROUP ? CA_GROUP : KUBERNETES_GROUP;
      expect(subjects).toEqual([expect.objectContaining({ kind: "Group", name })]);
      expect(roleRef?.name).toBe(name);
    }
  });
});
