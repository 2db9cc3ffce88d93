import type { Json, JsonObject } from "../../../../shared/base/json.ts";
import { attempted } from "../cluster/outcomes.ts";
import type { World } from "../cluster/worlds.ts";
import { account, type Chapter, given, namespace, type Step, workloadEntry } from "./step.ts";

const ROLE = "arn:aws:iam::111111111111:role/ecs/web";
const SYSTEM = { "topology.istio.io/network": "eks" };

/** The product's gateway: what it returns, or the error that it makes of a refusal. */
export const gatewayChapter: Chapter = {
  name: "the gateway",
  steps: [
    calls("mesh facts", facts),
    calls("a new namespace", ({ plane }) => plane.ensureNamespace("shop")),
    calls("the namespace again", ({ plane }) => plane.ensureNamespace("shop")),
    ...namespaces(),
    ...accounts(),
    ...entries(),
    ...meshFacts(),
  ],
};

function calls(what: string, call: (world: World) => Promise<unknown>): Step {
  return { what, play: (world) => attempted(() => call(world)) };
}

function namespaces(): readonly Step[] {
  return [
    given("a namespace that is held out", (world) =>
      world.put(namespace("out", { "istio.io/dataplane-mode": "none" })),
    ),
    calls("a namespace that is held out of the mesh", ({ plane }) => plane.ensureNamespace("out")),
    given("an ambient namespace of Helm", (world) =>
      world.put(namespace("in", { "istio.io/dataplane-mode": "ambient" })),
    ),
    calls("a namespace that is in the mesh already", ({ plane }) => plane.ensureNamespace("in")),
    calls("a namespace with a bad name", ({ plane }) => plane.ensureNamespace("Bad_Name")),
    given("a namespace", (world) => world.put(namespace("leaving"))),
    given("it is deleted", (world) => world.terminate("leaving")),
    calls("a terminating namespace", ({ plane }) => plane.ensureNamespace("leaving")),
    binds("an account in a terminating namespace", "leaving/web"),
  ];
}

function binds(what: string, at: string, roleArn = ROLE): Step {
  const [place = "", serviceAccount = ""] = at.split("/");
  return calls(what, ({ plane }) => plane.ensureServiceAccount({ namespace: place, serviceAccount, roleArn }));
}

function accounts(): readonly Step[] {
  return [
    calls("the role of a missing account", ({ plane }) => plane.readBindings("shop", "web")),
    binds("a new account", "shop/web"),
    calls("its role", ({ plane }) => plane.readBindings("shop", "web")),
    binds("the account again", "shop/web"),
    binds("the same role without its path", "shop/web", "arn:aws:iam::111111111111:role/web"),
    binds("another role", "shop/web", "arn:aws:iam::111111111111:role/other"),
    binds("an account in a missing namespace", "nowhere/web"),
    binds("an account with a bad name", "shop/Bad_Name"),
    binds("an account with a long name with dots", `shop/${"a".repeat(60)}.b`),
    given("an account with an empty role", (world) => world.put(account("shop/blank", { "ecs.solo.io/role-arn": "" }))),
    binds("an empty role of Helm's", "shop/blank"),
    given("an account for pods", (world) => world.put(account("shop/pods", { "eks.amazonaws.com/role-arn": ROLE }))),
    calls("the role of an account for pods", ({ plane }) => plane.readBindings("shop", "pods")),
    binds("an account for pods", "shop/pods"),
    calls("its role now", ({ plane }) => plane.readBindings("shop", "pods")),
  ];
}

function entries(): readonly Step[] {
  const named = (name: string, service: string, address: string) =>
    workloadEntry(`shop/${name}`, { "ecs.solo.io/service": service }, { address });
  return [
    given("two entries", async (world) => {
      await world.put(named("a", "web", "10.0.0.1"));
      await world.put(named("b", "cart", "10.0.0.2"));
    }),
    lists("all entries", "shop"),
    lists("those of a service", "shop", "web"),
    lists("those of a service without any", "shop", "none"),
    lists("those of a name that is too long for a label", "shop", "w".repeat(64)),
    lists("those of a name that ends in a hyphen", "shop", "web-"),
    lists("those of a namespace without any", "web2"),
    lists("those of a missing namespace", "nowhere"),
  ];
}

function lists(what: string, place: string, service?: string): Step {
  return calls(what, ({ plane }) =>
    plane.listWorkloadEntries({ namespace: place, ...(service && { serviceName: service }) }),
  );
}

function meshFacts(): readonly Step[] {
  const reads = (what: string, prepare: (world: World) => Promise<void>): readonly Step[] => [
    given(what, prepare),
    calls(`mesh facts: ${what}`, facts),
  ];
  return [
    ...reads("an IPv4 address", (world) => world.put(eastWest([{ ip: "203.0.113.7" }]))),
    ...reads("an IPv6 address", (world) => world.put(eastWest([{ ip: "2001:db8::7" }]))),
    ...reads("two addresses", (world) => world.put(eastWest([{ hostname: "a.example" }, { hostname: "b.example" }]))),
    ...reads("no address yet", (world) => world.put(eastWest([]))),
    ...reads("no port", (world) => world.put(eastWest([{ hostname: "a.example" }], {}))),
    ...reads("an address again", (world) => world.put(eastWest([{ hostname: "a.example" }]))),
    ...reads("no network", (world) => world.put(namespace("istio-system"))),
    ...reads("a network", (world) => world.put(namespace("istio-system", SYSTEM))),
    ...reads("istiod's image by its digest alone", (world) => world.put(istiod(`r/pilot@sha256:${"a".repeat(64)}`))),
    ...reads("istiod's image of a registry with a port", (world) => world.put(istiod("r:5000/pilot"))),
    ...reads("istiod's image by tag and digest", (world) =>
      world.put(istiod(`r/pilot:1.29.1@sha256:${"a".repeat(64)}`)),
    ),
    ...reads("no istiod of this name", (world) => world.remove(istiod("r/pilot:1.29.1"))),
    ...reads("no root CA", (world) =>
      world.remove({ apiVersion: "v1", kind: "ConfigMap", metadata: systemName("istio-ca-root-cert") }),
    ),
  ];
}

const systemName = (name: string) => ({ name, namespace: "istio-system" });

/** Without the time and the certificate, whose text is long. */
async function facts({ plane }: World): Promise<unknown> {
  const { readAt, rootCaPem, ...rest } = await plane.readMeshFacts();
  return { ...rest, rootCa: rootCaPem.length };
}

function eastWest(
  ingress: readonly JsonObject[],
  labels: JsonObject = { "istio.io/expose-istiod": "15012" },
): JsonObject {
  const name = "istio-eastwest";
  const ports: Json = [{ name: "xds-tls", port: 15012, targetPort: 15012 }];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: name, labels },
    spec: { type: "LoadBalancer", ports },
    status: { loadBalancer: ingress.length > 0 ? { ingress } : {} },
  };
}

function istiod(image: string): JsonObject {
  const labels = { app: "istiod" };
  const containers = [{ name: "discovery", image }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: systemName("istiod"),
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}
