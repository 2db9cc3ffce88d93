import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { rbacManifest } from "../../../../cli/commands/kubernetes-rbac.ts";
import type { Cluster } from "./cluster.ts";
import { accepted, pathOf } from "./worlds.ts";

/** Istio's definitions, of the same name as in its module. */
export const CRDS = "customresourcedefinitions.gen.yaml";

const POLLS = 120;
const POLL_MS = 250;

const DEFINITION = /^ {2}name: workloadentries\.networking\.istio\.io$/m;
const contentType = "application/yaml";

/** Gives the cluster Istio's definition of workload entries and the product's roles. */
export async function prepare(cluster: Cluster, folder: string): Promise<void> {
  const definitions = readFileSync(join(folder, CRDS), "utf8").split(/^---$/m);
  const body = definitions.find((text) => DEFINITION.test(text));
  if (!body) throw new Error(`${CRDS} has no definition of workload entries`);
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  await accepted(cluster, { method: "POST", path, body, contentType });
  await served(cluster, "/apis/networking.istio.io/v1/workloadentries");
  for (const name of ["istio-system", "istio-eastwest"]) {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await accepted(cluster, { method: "POST", path: "/api/v1/namespaces", body: namespace });
  }
  await allow(cluster);
}

/** Applies the manifest that the product prints. @throws Error if the API server refuses a document, or warns */
async function allow(cluster: Cluster): Promise<void> {
  for (const body of rbacManifest({ readCaSecret: false }).split(/^---$/m)) {
    const [, kind = ""] = /^kind: (\w+)$/m.exec(body) ?? [];
    const [, namespace] = /^ {2}namespace: (\S+)$/m.exec(body) ?? [];
    const metadata = { name: "", ...(namespace !== undefined && { namespace }) };
    const path = pathOf({ apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata }).slice(0, -1);
    await accepted(cluster, { method: "POST", path: `${path}?fieldValidation=Strict`, body, contentType });
  }
}

/** The definition is served soon after it was made. @throws Error if it is not */
async function served(cluster: Cluster, path: string): Promise<void> {
  for (let poll = 0; poll < POLLS; poll++) {
    if ((await cluster.send({ method: "GET", path })).status === 200) return;
    await setTimeout(POLL_MS);
  }
  throw new Error(`${path} is not served`);
}
