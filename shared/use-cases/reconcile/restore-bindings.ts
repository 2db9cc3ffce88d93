import { sameRole } from "../../base/arn.ts";
import { refusals } from "../../model/reason-texts.ts";
import type { RoleBinding } from "../../model/service.ts";
import { type Keeping, ownerOf, reportDrift, trying } from "./keeping.ts";

/**
 * Gives service accounts back the bindings that somebody has removed, for the owners that the ledger knows, without a
 * roll. One list a namespace shows them. A binding to another role is reported, not changed.
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
      await keepNamespace(namespace, controlPlane, keeping);
      const bindings = await plane.listBindings(namespace);
      for (const { claim, identity } of ofNamespace) {
        const found = bindings.get(identity.serviceAccount) ?? [];
        if (found.length > 0) {
          reportOther(found, identity, keeping);
          continue;
        }
        await plane.ensureServiceAccount(identity);
        await reportDrift(claim, "binding", keeping);
      }
    });
  }
}

async function keepNamespace(namespace: string, controlPlane: string, { calls }: Keeping): Promise<void> {
  const plane = calls.controlPlane(controlPlane);
  const state = await plane.readNamespace(namespace);
  if (state === "ambient") return;
  await plane.ensureNamespace(namespace);
  if (state === "absent" || calls.config.policy.labelNamespaces) return;
  const command = `kubectl label namespace ${namespace} istio.io/dataplane-mode=ambient`;
  calls.log.error("a namespace of the mesh is not ambient", { controlPlane, namespace, fix: command });
}

function reportOther(
  bindings: readonly RoleBinding[],
  identity: { readonly namespace: string; readonly serviceAccount: string; readonly roleArn: string },
  { calls }: Keeping,
): void {
  const other = bindings.find((binding) => !sameRole(binding.roleArn, identity.roleArn));
  if (!other) return;
  const { fix } = refusals["identity-conflict"];
  calls.log.error("an identity is bound to another role", { ...identity, ...other, fix });
}
