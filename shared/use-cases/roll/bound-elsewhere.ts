import { sameRole } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { RoleBinding } from "../../model/service.ts";
import type { ControlPlaneCalls, Log } from "../../ports/ports.ts";

/** Roles that service accounts are bound to, by `namespace/name`. */
export type BoundAccounts = ReadonlyMap<string, readonly RoleBinding[]>;

/** Lists of 500 service accounts. */
const MOST_CALLS = 40;

/**
 * Every service account with a binding. None where there are too many, or where the autopilot may not list them: then a
 * warning says so, since nobody checks whether istiod knows a role by another account. Throws what can pass.
 */
export async function boundAccounts(
  kubernetes: Pick<ControlPlaneCalls, "listAllBindings">,
  log: Pick<Log, "warn">,
): Promise<BoundAccounts> {
  const all = await listed(kubernetes, log);
  return new Map(
    [...all].flatMap(([namespace, accounts]) =>
      [...accounts].flatMap(([name, bindings]) => (bindings.length > 0 ? [[`${namespace}/${name}`, bindings]] : [])),
    ),
  );
}

async function listed(kubernetes: Pick<ControlPlaneCalls, "listAllBindings">, log: Pick<Log, "warn">) {
  const unchecked = (why: string) => {
    log.warn("it is unknown whether a role has other service accounts", { why });
    return new Map<string, ReadonlyMap<string, readonly RoleBinding[]>>();
  };
  try {
    return (await kubernetes.listAllBindings(MOST_CALLS)) ?? unchecked(`more than ${MOST_CALLS} pages of them`);
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    return unchecked(`${code}: ${message}`);
  }
}

/** The accounts that are bound to the role, as istiod sees it: a certificate carries the names of all. */
export function accountsBoundTo(roleArn: string, bound: BoundAccounts): readonly string[] {
  return [...bound].flatMap(([account, bindings]) =>
    bindings.some((binding) => sameRole(binding.roleArn, roleArn)) ? [account] : [],
  );
}
