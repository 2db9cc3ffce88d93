import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { textAt } from "../../base/json-fields.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { parseValueFrom } from "../../data-plane/ztunnel/index.ts";
import { accountSubject, claimedAccount, claimedRole, roleSubject } from "../../enrollment/claims.ts";
import { heldBy, withHeld } from "../../enrollment/held.ts";
import { identityRefusal } from "../../enrollment/refusals-of.ts";
import { secretSubject } from "../../model/claim.ts";
import type { ObservedService } from "../../model/service.ts";
import type { Held, ServiceState } from "../../model/service-state.ts";
import type { ControlPlaneCalls, Log, SecretsCalls } from "../../ports/ports.ts";
import type { ReaderCalls } from "../observe/write-readers.ts";
import type { RecordProgress } from "./apply-context.ts";
import { ensureReaders } from "./ensure-readers.ts";
import { secretOfRevision } from "./secrets-in-use.ts";

export interface RegainCalls {
  readonly config: Config;
  readonly secrets: Pick<SecretsCalls, "describeSecret" | "restoreSecret"> & ReaderCalls["secrets"];
  readonly ledger: ReaderCalls["ledger"];
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readBindings" | "ensureNamespace" | "ensureServiceAccount">;
  readonly log: Pick<Log, "warn">;
}

/**
 * Makes sure of what a revision needs outside of its task definition, before the service returns to it: its role may
 * read its secret, which is restored where it was to be deleted, and its service account is bound. The ledger has what
 * it holds first, so that no sweep gives that back, and the next one mends what could not be mended now: neither
 * Kubernetes nor a right that is missing holds up a service that has to return. Throws `secret-unavailable` for a
 * secret that is gone, `identity-conflict` for a service account that has another role by now, and what can pass of
 * Secrets Manager.
 */
export async function regain(
  service: ObservedService,
  revision: { readonly arn: string; readonly raw: JsonObject },
  known: { readonly held: ServiceState["held"]; readonly record: RecordProgress },
  calls: RegainCalls,
): Promise<void> {
  const { ref } = service;
  const definition = { taskDefinitionArn: revision.arn, raw: revision.raw, tags: [] };
  const held = heldBy(service, definition, calls.config);
  const record = held && withHeld(known.held, held);
  if (record) await known.record({}, { held: record });
  await regainSecret(ref, revision.raw, calls);
  if (held)
    await bestEffort(
      `the binding of ${held.namespace}/${held.serviceAccount}`,
      () => bindAgain(ref, held, calls),
      calls,
    );
}

async function regainSecret(ref: ServiceRef, raw: JsonObject, calls: RegainCalls): Promise<void> {
  const { secretArn, secretName } = parseValueFrom(secretOfRevision(raw) ?? "") ?? {};
  const executionRoleArn = textAt(raw, "executionRoleArn");
  if (!secretArn || !secretName || executionRoleArn === undefined) return;
  const { serviceArn, account } = ref;
  await bestEffort(
    secretArn,
    async () => {
      const secret = await calls.secrets.describeSecret(secretArn);
      if (!secret) throw new AutopilotError("secret-unavailable", `${secretArn} was deleted.`);
      if (secret.scheduledForDeletion) await calls.secrets.restoreSecret(secretArn);
      const reader = { subject: secretSubject(ref, secretName), serviceArn, account, executionRoleArn };
      await ensureReaders(secretArn, reader, calls);
    },
    calls,
    { retries: true },
  );
}

async function bindAgain(
  ref: ServiceRef,
  { namespace, serviceAccount, roleArn }: Held,
  calls: RegainCalls,
): Promise<void> {
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) return;
  const { serviceArn } = ref;
  const identity = { namespace, serviceAccount, roleArn };
  const kubernetes = calls.controlPlane(plane.name);
  // Of several annotations the first one counts: what runs with it goes on.
  const [binding] = await kubernetes.readBindings(namespace, serviceAccount);
  const conflict = binding && identityRefusal([binding], identity);
  if (conflict) throw new AutopilotError("identity-conflict", conflict.detail);
  const subject = accountSubject(plane.name, namespace, serviceAccount);
  const { result: owner } = await calls.ledger.changeClaim(subject, (claim) => {
    const { next, owner: other } = claimedAccount(claim, { subject, roleArn, serviceArn });
    return { next, result: other };
  });
  if (owner !== undefined) {
    throw new AutopilotError("identity-conflict", `${namespace}/${serviceAccount} belongs to ${owner} by now.`);
  }
  const account = `${namespace}/${serviceAccount}`;
  const role = roleSubject(plane.name, roleArn);
  await calls.ledger.changeClaim(role, (claim) => ({
    next: claimedRole(claim, { subject: role, account, serviceArn, shared: true }).next,
  }));
  if (binding) return;
  await kubernetes.ensureNamespace(namespace);
  await kubernetes.ensureServiceAccount(identity);
}

const speaksAgainst: readonly string[] = ["secret-unavailable", "identity-conflict"];

/** What does not speak against the revision itself is logged: the service returns nevertheless. */
async function bestEffort(
  what: string,
  part: () => Promise<void>,
  { log }: RegainCalls,
  { retries = false } = {},
): Promise<void> {
  try {
    await part();
  } catch (error) {
    if (!(error instanceof AutopilotError)) throw error;
    const { code, message, retryable } = error;
    if (speaksAgainst.includes(code) || (retryable && retries)) throw error;
    log.warn(`not made sure of: ${what}`, { code, why: message });
  }
}
