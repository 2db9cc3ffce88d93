import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { clusterRules, namespacedRules, type RbacRule } from "../../../../cli/commands/kubernetes-rbac.ts";
import { isJsonObject, type JsonObject } from "../../../../shared/base/json.ts";
import { type Cluster, tokens } from "../cluster/cluster.ts";
import { attempted } from "../cluster/outcomes.ts";
import { accepted, pathOf, planeOf } from "../cluster/worlds.ts";
import type { Check, CheckChapter } from "./check.ts";

interface Place {
  readonly rule: RbacRule;
  readonly namespace?: string;
}

const places: readonly Place[] = [
  ...clusterRules.map((rule) => ({ rule })),
  ...Object.entries(namespacedRules).flatMap(([namespace, rules]) => rules.map((rule) => ({ rule, namespace }))),
];

const WE = "/apis/networking.istio.io/v1";
/** What the product never does, as method and path. */
const forbiddenRequests: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/api/v1/namespaces?watch=true"],
  ["GET", "/api/v1/namespaces/kube-system"],
  ["PUT", "/api/v1/namespaces/istio-system"],
  ["DELETE", "/api/v1/namespaces/istio-system"],
  ["PUT", "/api/v1/namespaces/istio-system/serviceaccounts/default"],
  ["DELETE", "/api/v1/namespaces/istio-system/serviceaccounts/default"],
  ["DELETE", "/api/v1/namespaces/istio-system/serviceaccounts"],
  ["POST", "/api/v1/namespaces/istio-system/serviceaccounts/default/token"],
  ["GET", `${WE}/namespaces/istio-system/workloadentries/entry`],
  ["GET", `${WE}/namespaces/istio-system/workloadentries?watch=true`],
  ["POST", `${WE}/namespaces/istio-system/workloadentries`],
  ["PATCH", `${WE}/namespaces/istio-system/workloadentries/entry`],
  ["DELETE", `${WE}/namespaces/istio-system/workloadentries/entry`],
  ["GET", "/api/v1/namespaces/istio-system/configmaps"],
  ["GET", "/api/v1/namespaces/istio-system/configmaps/istio"],
  ["GET", "/api/v1/namespaces/default/configmaps/istio-ca-root-cert"],
  ["PATCH", "/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert"],
  ["GET", "/api/v1/namespaces/istio-system/services/istiod"],
  ["PATCH", "/api/v1/namespaces/istio-eastwest/services/istio-eastwest"],
  ["GET", "/apis/apps/v1/namespaces/istio-system/deployments"],
  ["GET", "/apis/apps/v1/namespaces/istio-system/deployments/other"],
  ["PATCH", "/apis/apps/v1/namespaces/istio-system/deployments/istiod"],
  ["GET", "/api/v1/namespaces/istio-system/secrets"],
  ["GET", "/api/v1/namespaces/istio-system/secrets/cacerts"],
  ["GET", "/api/v1/pods"],
  ["GET", "/api/v1/nodes"],
  ["GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"],
  ["POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
];

/** What the manifest's group may do, and that it needs all of it. */
export const accessChapter: CheckChapter = {
  name: "access",
  checks: [
    {
      what: "the manifest is enough for every call",
      expected: "done",
      play: (cluster) => used(cluster, "enough"),
    },
    ...places.flatMap((place) => place.rule.verbs.map((verb) => needed(place, verb))),
    ...forbiddenRequests.map(forbidden),
    stranger(),
  ],
};

/** Makes every call of the gateway, with a new namespace. Returns how the first one ended that failed. */
async function used(cluster: Cluster, namespace: string, token = async () => tokens.autopilot): Promise<string> {
  const plane = planeOf(cluster, { token, labelNamespaces: true });
  const plain = `${namespace}-plain`;
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: plain } };
  await accepted(cluster, { method: "POST", path: "/api/v1/namespaces", body });
  const identity = { namespace, serviceAccount: "web", roleArn: "arn:aws:iam::111111111111:role/web" };
  return attempted(async () => {
    const { istiodVersion } = await plane.readMeshFacts();
    if (istiodVersion === undefined) return "istiod's version is missing";
    for (const one of [namespace, namespace, plain]) await plane.ensureNamespace(one);
    await plane.ensureServiceAccount(identity);
    await plane.listBindings(namespace);
    await plane.listAmbientNamespaces(1);
    await plane.listAllBindings(1);
    await plane.unbind(identity);
    await plane.listWorkloadEntries({ namespace });
    return undefined;
  });
}

/** Without the verb, the API server refuses one of the gateway's calls. */
function needed(place: Place, verb: string): Check {
  const { resource } = place.rule;
  const names = place.rule.names ? ` ${place.rule.names.join()}` : "";
  return {
    what: `${verb} ${resource}${names} is needed`,
    expected: refusalOf(resource, verb),
    play: async (cluster) => {
      const role = roleOf(place.namespace);
      const { rules } = z.looseObject({ rules: z.array(ruleSchema) }).parse((await accepted(cluster, read(role))).body);
      const index = (place.namespace === undefined ? clusterRules : (namespacedRules[place.namespace] ?? [])).indexOf(
        place.rule,
      );
      const narrowed = rules.map((rule, at) =>
        at === index ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) } : rule,
      );
      await write(
        cluster,
        role,
        narrowed.filter(({ verbs }) => verbs.length > 0),
      );
      await until(cluster, place, verb, false);
      const outcome = await used(cluster, `no-${verb}-${resource}-${index}`);
      await write(cluster, role, rules);
      await until(cluster, place, verb, true);
      return outcome;
    },
  };
}

/** Without the list of Services, the gateway asks for the guide's. */
function refusalOf(resource: string, verb: string): RegExp {
  if (resource === "deployments") return /version is missing/;
  const asked = resource === "services" ? "get" : verb;
  return new RegExp(`^control-plane-refused: .*HTTP 403: .*cannot ${asked} `);
}

const ruleSchema = z.record(z.string(), z.array(z.string())).and(z.object({ verbs: z.array(z.string()) }));

function roleOf(namespace: string | undefined): string {
  const metadata = { name: "ztunnel-autopilot", ...(namespace !== undefined && { namespace }) };
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  return pathOf({ apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata });
}

const read = (path: string) => ({ method: "GET", path });

async function write(cluster: Cluster, path: string, rules: readonly JsonObject[]): Promise<void> {
  await accepted(cluster, { method: "PATCH", path, contentType: "application/merge-patch+json", body: { rules } });
}

const REVIEWS = 100;
const REVIEW_MS = 100;

/** The authorizer follows the roles with some delay. @throws Error if it does not */
async function until(cluster: Cluster, { rule, namespace }: Place, verb: string, allowed: boolean): Promise<void> {
  const [name] = rule.names ?? [];
  const resourceAttributes = {
    group: rule.apiGroup,
    resource: rule.resource,
    verb,
    namespace: namespace ?? "probe",
    ...(name !== undefined && { name }),
  };
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes },
  };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  for (let review = 0; review < REVIEWS; review++) {
    const answer = await accepted(cluster, { method: "POST", path, body, token: tokens.autopilot });
    const status = isJsonObject(answer.body) && isJsonObject(answer.body.status) ? answer.body.status : {};
    if ((status.allowed === true) === allowed) return;
    await setTimeout(REVIEW_MS);
  }
  throw new Error(`${verb} ${rule.resource} is not ${allowed ? "allowed" : "refused"} in the end`);
}

/** The API server refuses what the product never does. */
function forbidden([method, path]: readonly [string, string]): Check {
  const contentType = method === "PATCH" ? { contentType: "application/merge-patch+json" } : {};
  const body = ["POST", "PUT", "PATCH"].includes(method) ? { body: {} } : {};
  return {
    what: `${method} ${path} is forbidden`,
    expected: "403",
    play: async (cluster) => {
      const answer = await cluster.send({ method, path, token: tokens.autopilot, ...contentType, ...body });
      return String(answer.status);
    },
  };
}

function stranger(): Check {
  return {
    what: "a user outside of the group",
    expected: /^control-plane-refused: .*HTTP 403: .*User "stranger" cannot/,
    play: (cluster) => used(cluster, "strange", async () => tokens.stranger),
  };
}
