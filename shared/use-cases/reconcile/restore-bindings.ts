import { asAutopilotError } from "../../base/errors.ts";
import { bindingProblem, type FoundProblem, namespaceSubject } from "../../enrollment/shared-problems.ts";
import type { Claim } from "../../model/claim.ts";
import { sharedProblems } from "../../model/reason-texts.ts";
import type { RoleBinding } from "../../model/service.ts";
import { type Keeping, ownerOf, reportDrift, trying } from "./keeping.ts";
import { reportProblem } from "./report-problems.ts";

/**
 * Gives service accounts back the bindings that somebody has removed, for the owners that the ledger knows, without a
 * roll. One list of the whole control plane shows them, or one a namespace where that is less. A binding to another
 * role, and a namespace that has left the mesh, are reported, not changed.
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
  const byNamespace = Map.groupBy(owned, ({ identity }) => identity.namespace);
  const seen = await seenAtOnce(controlPlane, byNamespace.size, calls);
  for (const [namespace, ofNamespace] of byNamespace) {
    await trying(`namespace ${namespace} of ${controlPlane}`, calls, async () => {
      const services = ofNamespace.flatMap(({ claim }) => servicesOf(claim));
      const subject = namespaceSubject(controlPlane, namespace);
      const lost = seen.ambient.has(namespace) ? undefined : await keepNamespace(namespace, controlPlane, keeping);
      await reportProblem({ controlPlane, subject, found: lost, services }, keeping);
      const bindings = seen.bindings.get(namespace) ?? (await plane.listBindings(namespace));
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

interface SeenAtOnce {
  readonly ambient: ReadonlySet<string>;
  readonly bindings: ReadonlyMap<string, ReadonlyMap<string, readonly RoleBinding[]>>;
}

const CALLS_A_NAMESPACE = 2;
const NOTHING: SeenAtOnce = { ambient: new Set(), bindings: new Map() };

/**
 * What lists of the whole control plane say; what they leave open is read namespace by namespace. Nothing where that
 * takes fewer calls, and where the autopilot may not list it all: an earlier manifest does not give that right. Throws
 * what can pass.
 */
async function seenAtOnce(
  controlPlane: string,
  namespaces: number,
  { controlPlane: planes, log }: Keeping["calls"],
): Promise<SeenAtOnce> {
  if (namespaces < 2) return NOTHING;
  const plane = planes(controlPlane);
  const most = namespaces * CALLS_A_NAMESPACE - 1;
  try {
    const ambient = await plane.listAmbientNamespaces(most);
    const bindings = ambient && (await plane.listAllBindings(most));
    return ambient && bindings ? { ambient, bindings } : NOTHING;
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    const fix = "Apply the manifest of `autopilot rbac` again.";
    log.info("namespaces and service accounts are read one by one", { controlPlane, code, why: message, fix });
    return NOTHING;
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
