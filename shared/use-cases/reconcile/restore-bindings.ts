import { bindingProblem, type FoundProblem, namespaceSubject } from "../../enrollment/shared-problems.ts";
import type { Claim } from "../../model/claim.ts";
import { sharedProblems } from "../../model/reason-texts.ts";
import { type Keeping, ownerOf, reportDrift, trying } from "./keeping.ts";
import { reportProblem } from "./report-problems.ts";

/**
 * Gives service accounts back the bindings that somebody has removed, for the owners that the ledger knows, without a
 * roll. One list a namespace shows them. A binding to another role, and a namespace that has left the mesh, are
 * reported, not changed.
 */
export async function restoreBindings(controlPlane: string, keeping: Keeping): Promise<void> {
  const prefix = `service-account ${controlPlane} `;
  const owned = [...keeping.claims.values()].flatMap((claim) => {
    const [namespace = "", serviceAccount = ""] = claim.subject.slice(prefix.length).split(" ");
    const roleArn = claim.subject.startsWith(prefix) ? ownerOf(claim) : undefined;
    return roleArn === undefined ? [] : [{ claim, identity: { namespace, serviceAccount, roleArn } }];
  });
  const { calls } = keeping;
  const plane = calls.controlPlane(controlPlane);
  for (const [namespace, ofNamespace] of Map.groupBy(owned, ({ identity }) => identity.namespace)) {
    await trying(`namespace ${namespace} of ${controlPlane}`, calls, async () => {
      const services = ofNamespace.flatMap(({ claim }) => servicesOf(claim));
      const subject = namespaceSubject(controlPlane, namespace);
      const lost = await keepNamespace(namespace, controlPlane, keeping);
      await reportProblem({ controlPlane, subject, found: lost, services }, keeping);
      const bindings = await plane.listBindings(namespace);
      for (const { claim, identity } of ofNamespace) {
        const found = bindings.get(identity.serviceAccount) ?? [];
        const problem = bindingProblem(found, identity);
        if (problem) calls.log.error("an identity is bound to another role", { ...problem, fix: fixOf(problem) });
        const { subject } = claim;
        await reportProblem({ controlPlane, subject, found: problem, services: servicesOf(claim) }, keeping);
        if (found.length > 0) continue;
        await plane.ensureServiceAccount(identity);
        await reportDrift(claim, "binding", keeping);
      }
    });
  }
}

async function keepNamespace(
  namespace: string,
  controlPlane: string,
  { calls }: Keeping,
): Promise<FoundProblem | undefined> {
  const plane = calls.controlPlane(controlPlane);
  const state = await plane.readNamespace(namespace);
  if (state === "ambient") return undefined;
  await plane.ensureNamespace(namespace);
  if (state === "absent" || calls.config.policy.labelNamespaces) return undefined;
  const command = `kubectl label namespace ${namespace} istio.io/dataplane-mode=ambient`;
  calls.log.error("a namespace of the mesh is not ambient", { controlPlane, namespace, fix: command });
  return { code: "namespace-not-ambient", detail: command };
}

function servicesOf({ holders }: Claim): readonly string[] {
  return Object.values(holders).flatMap(({ services }) => services);
}

function fixOf({ code }: FoundProblem): string {
  return sharedProblems[code].fix;
}
