import { type Place, parseServiceArn, sameRole } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { accountsOfUnknown, heldBy } from "../../enrollment/held.ts";
import { planeOf } from "../../enrollment/membership.ts";
import { newClaim, withHolder } from "../../model/claim.ts";
import type { Held, ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger, UnreadableItem } from "../../ports/ledger.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import type { BoundAccounts } from "./bound-elsewhere.ts";

export interface EarlierCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "listServices" | "changeClaim"> & Pick<RolloutLedger, "getFleet">;
  readonly ecsOf: (place: Place) => Pick<EcsCalls, "describeService" | "describeTaskDefinition">;
  readonly log: Pick<Log, "warn">;
}

/** A service account of a control plane that no claim names a holder of, and the service that asks for it. */
interface Unclaimed {
  readonly subject: string;
  readonly controlPlane: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly serviceArn: string;
}

/**
 * Claims a service account for the services that have had it since before claims were kept, so that nobody takes it
 * over until a sweep has claimed it for them. The ledger is read as a whole for that, until a sweep has done so with
 * every account. Throws what the reads of such a service throw: without them it is unknown whose the account is.
 */
export async function claimForEarlier(unclaimed: Unclaimed, calls: EarlierCalls): Promise<void> {
  const { subject } = unclaimed;
  for await (const state of othersUnlessKnown(unclaimed, calls)) {
    const roles = (state.held ?? []).filter((held) => isIt(held, unclaimed)).map(({ roleArn }) => roleArn);
    const isUnknown = accountsOfUnknown(state).some((account) => isIt(account, unclaimed));
    for (const roleArn of isUnknown ? await rolesRun(state, unclaimed, calls) : roles) {
      await calls.ledger.changeClaim(subject, (claim) => ({
        next: withHolder(claim ?? newClaim(subject), roleArn, state.serviceArn),
      }));
    }
  }
}

/** A role of a control plane that no claim names an account of, and the service that asks for it. */
interface UnclaimedRole {
  readonly subject: string;
  readonly controlPlane: string;
  readonly roleArn: string;
  readonly serviceArn: string;
}

/**
 * Claims a role for the service accounts of the services that have had it since before claims were kept, as
 * `claimForEarlier` does with an account. What an account is bound to says which role its services have; a service is
 * read where its account has lost that binding.
 */
export async function claimRoleForEarlier(
  role: UnclaimedRole,
  bound: BoundAccounts,
  calls: EarlierCalls,
): Promise<void> {
  const { subject, roleArn } = role;
  for await (const state of othersUnlessKnown(role, calls)) {
    // ECS takes task roles of the service's own account alone.
    if (accountOf(state.serviceArn) !== accountOf(roleArn)) continue;
    const accounts: Account[] = (state.held ?? []).filter((held) => sameRole(held.roleArn, roleArn));
    for (const account of accountsOfUnknown(state)) {
      const bindings = bound.get(`${account.namespace}/${account.serviceAccount}`);
      const roles = bindings?.map((binding) => binding.roleArn) ?? (await rolesRun(state, account, calls));
      if (roles.some((one) => sameRole(one, roleArn))) accounts.push(account);
    }
    for (const { namespace, serviceAccount } of accounts) {
      await calls.ledger.changeClaim(subject, (claim) => ({
        next: withHolder(claim ?? newClaim(subject), `${namespace}/${serviceAccount}`, state.serviceArn),
      }));
    }
  }
}

/** The other services of the mesh; none once a sweep has recorded what all of them hold. */
async function* othersUnlessKnown(
  asking: Pick<Unclaimed, "serviceArn" | "controlPlane">,
  { ledger, config, log }: EarlierCalls,
): AsyncIterable<ServiceState> {
  if ((await ledger.getFleet()).holdersKnownSince !== undefined) return;
  const unreadable = ({ pk, why }: UnreadableItem) =>
    log.warn("what a service holds is unknown: its item can't be read", { item: pk, why });
  for await (const state of ledger.listServices(unreadable)) if (isOther(state, asking, config)) yield state;
}

function accountOf(arn: string): string | undefined {
  return arn.split(":")[4];
}

type Account = Pick<Held, "namespace" | "serviceAccount">;

function isIt(account: Account, { namespace, serviceAccount }: Account): boolean {
  return account.namespace === namespace && account.serviceAccount === serviceAccount;
}

/** Another service of the same mesh. One that left the configuration is in its mesh still. */
function isOther(
  state: ServiceState,
  { serviceArn, controlPlane }: Pick<Unclaimed, "serviceArn" | "controlPlane">,
  config: Config,
): boolean {
  return state.serviceArn !== serviceArn && planeOf(state, config) === controlPlane;
}

/** The role that the service's sidecar proves itself with, by what it runs or by its last good revision. */
async function rolesRun(
  { serviceArn, lastGoodRevisionArn }: ServiceState,
  account: Account,
  { config, ecsOf }: EarlierCalls,
): Promise<readonly string[]> {
  const ref = parseServiceArn(serviceArn);
  if (!ref) return [];
  const ecs = ecsOf(ref);
  try {
    const service = await ecs.describeService(ref);
    for (const revisionArn of new Set([service.taskDefinitionArn, lastGoodRevisionArn])) {
      const definition = revisionArn === undefined ? undefined : await ecs.describeTaskDefinition(revisionArn);
      const held = definition && heldBy(service, definition, config);
      if (held && isIt(held, account)) return [held.roleArn];
    }
    return [];
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return [];
    throw error;
  }
}
