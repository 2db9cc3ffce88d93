import type { JsonObject } from "../../../../shared/base/json.ts";
import type { ControlPlaneCalls } from "../../../../shared/ports/ports.ts";
import { type Cluster, tokens } from "../cluster/cluster.ts";
import { attempted } from "../cluster/outcomes.ts";
import { accepted, planeOf } from "../cluster/worlds.ts";
import { account } from "../steps/step.ts";
import type { Act } from "./interleave.ts";

const NAMESPACE = "races";
export const BINDING = "ecs.solo.io/role-arn";

/** The one service account of the races, for this role. */
export const identityOf = (roleArn: string) => ({ namespace: NAMESPACE, serviceAccount: "web", roleArn });
const PATH = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/web`;

/** What the product's gateway does, request by request: it asks for its token before each of them. */
export function acting(cluster: Cluster, run: (plane: ControlPlaneCalls) => Promise<unknown>): Act {
  return ({ turn }) => {
    const token = async () => {
      await turn();
      return tokens.autopilot;
    };
    return attempted(() => run(planeOf(cluster, { token })));
  };
}

/** Asks for the account. */
export const binds = (cluster: Cluster, roleArn: string) =>
  acting(cluster, (plane) => plane.ensureServiceAccount(identityOf(roleArn)));
/** Gives the account back. */
export const unbinds = (cluster: Cluster, roleArn: string) =>
  acting(cluster, (plane) => plane.unbind(identityOf(roleArn)));

/** As a sweep does: the list shows which owner lacks its binding. */
export function restores(cluster: Cluster, roleArn: string): Act {
  return acting(cluster, async (plane) => {
    const bindings = await plane.listBindings(NAMESPACE);
    if ((bindings.get("web") ?? []).length === 0) await plane.ensureServiceAccount(identityOf(roleArn));
  });
}

function somebody(cluster: Cluster, request: Parameters<Cluster["send"]>[0]): Act {
  return async ({ turn }) => {
    await turn();
    return String((await cluster.send(request)).status);
  };
}

/** Somebody deletes what is at the path. */
export const deletesAt = (cluster: Cluster, path: string) => somebody(cluster, { method: "DELETE", path });
/** Somebody deletes the account. */
export const deletes = (cluster: Cluster) => deletesAt(cluster, PATH);
/** Somebody creates the account, without a binding. */
export const creates = (cluster: Cluster) =>
  somebody(cluster, { method: "POST", path: parentOf(PATH), body: account(`${NAMESPACE}/web`) });
const merges = (cluster: Cluster, metadata: JsonObject) =>
  somebody(cluster, {
    method: "PATCH",
    path: PATH,
    contentType: "application/merge-patch+json",
    body: { metadata },
  });
/** Somebody changes the account, and not its binding. */
export const labels = (cluster: Cluster) => merges(cluster, { labels: { team: "shop" } });
/** Somebody empties the binding. */
export const empties = (cluster: Cluster) => merges(cluster, { annotations: { [BINDING]: "" } });

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** A namespace of this name. */
export function namespaceOf(name: string): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** No account is left. */
export async function remove(cluster: Cluster): Promise<void> {
  await cluster.send({ method: "DELETE", path: PATH });
}

/** The account with these annotations, or none. */
export async function reset(cluster: Cluster, annotations: JsonObject | undefined): Promise<void> {
  await cluster.send({ method: "POST", path: "/api/v1/namespaces", body: namespaceOf(NAMESPACE) });
  await remove(cluster);
  if (annotations === undefined) return;
  await accepted(cluster, {
    method: "POST",
    path: parentOf(PATH),
    body: account(`${NAMESPACE}/web`, annotations),
  });
}

/** The role that has the account, read again. */
export async function bindingOf(cluster: Cluster): Promise<string | undefined> {
  return (await planeOf(cluster).readBindings(NAMESPACE, "web"))[0]?.roleArn;
}
