import type { EcsService } from "@ztunnel-autopilot/simulator";
import { sameRole } from "../../shared/base/arn.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { findSidecar, parseValueFrom, readersIn } from "../../shared/data-plane/ztunnel/index.ts";
import { type Claim, secretSubject } from "../../shared/model/claim.ts";
import { secretReferences } from "../../shared/use-cases/reconcile/secret-references.ts";
import { arnOf } from "../story/lab-driver.ts";
import type { CampaignResult } from "./campaign-result.ts";

/**
 * What services share has the owners that the ledger says: one role for each service account, the readers of a secret
 * are the roles of the services that need it, and nothing is left behind a service that was deleted.
 */
export async function ownershipViolations(result: CampaignResult): Promise<readonly string[]> {
  let found = await violationsNow(result);
  for (const waitMs of WAITS_MS) {
    if (found.length === 0) return found;
    await result.lab.clock.sleep(waitMs);
    found = await violationsNow(result);
  }
  return found;
}

/**
 * A sweep marks what is unneeded, the next one removes it, and a roll that has just ended needs one before. A sweep
 * that is under way then has ended soon.
 */
const WAITS_MS = [48 * 60_000, 4 * 60_000];

async function violationsNow(result: CampaignResult): Promise<readonly string[]> {
  const claims = await Array.fromAsync(result.lab.ledger.listClaims());
  const states = await Array.fromAsync(result.lab.ledger.listServices());
  // As long as it is unknown what a service of the filled fleet holds, nothing is given back.
  const isUnknown = states.some(
    ({ enrolled, secretsInUse, held = [] }) => (enrolled || secretsInUse.length > 0) && held.length === 0,
  );
  // Nor while a task definition names a secret of ours, and the ledger does not know that service: it was copied.
  const held = new Set(
    states.flatMap(({ serviceArn, enrolled, held: own = [] }) => (enrolled && own.length > 0 ? [serviceArn] : [])),
  );
  const isCopied = result.lab.ecs
    .allServices()
    .some((service) => !held.has(service.arn) && service.deployments.some(({ revision }) => usesOurs(revision)));
  if (isUnknown || isCopied) return claims.flatMap(severalRoles);
  return [
    ...claims.flatMap(severalRoles),
    ...claims.flatMap((claim) => leftBehind(claim, result)),
    ...(await idleReaders(claims, result)),
  ];
}

function usesOurs({ definition }: EcsService["deployments"][number]["revision"]): boolean {
  return secretReferences(definition).length > 0;
}

function severalRoles({ subject, holders }: Claim): readonly string[] {
  if (!subject.startsWith("service-account ")) return [];
  const roles = neededOf(holders);
  const [first = ""] = roles;
  return roles.every((role) => sameRole(role, first)) ? [] : [`${subject} belongs to ${roles.join(" and ")}`];
}

/** A claim that is still needed, though every service that it names is gone. */
function leftBehind({ subject, holders }: Claim, { lab }: CampaignResult): readonly string[] {
  return Object.entries(holders).flatMap(([holder, { services, unneededSinceMs }]) => {
    const areGone = services.length > 0 && services.every((arn) => lab.ecs.findService(arn)?.status !== "ACTIVE");
    return unneededSinceMs === undefined && areGone ? [`${subject}: ${holder} is left behind ${services[0]}`] : [];
  });
}

/** Readers of a secret that no service needs, once the ledger knows its readers. */
async function idleReaders(claims: readonly Claim[], { lab, actors }: CampaignResult): Promise<readonly string[]> {
  const needed = new Map<string, Set<string>>();
  for (const owned of actors.existing()) {
    const service = lab.ecs.findService(arnOf(owned));
    const state = service && (await lab.ledger.getService(service.arn));
    const lastGood = state?.lastGoodRevisionArn ? lab.ecs.findTaskDefinition(state.lastGoodRevisionArn) : undefined;
    for (const revision of [...(service?.deployments ?? []).map((one) => one.revision), lastGood]) {
      const sidecar = findSidecar(revision?.definition ?? {});
      const secret = sidecar.kind === "ours" ? parseValueFrom(sidecar.secretValueFrom)?.secretArn : undefined;
      const reader = textAt(revision?.definition ?? {}, "executionRoleArn");
      if (secret && reader) needed.set(secret, (needed.get(secret) ?? new Set()).add(reader));
    }
    for (const { secretName, executionRoleArn } of state?.held ?? []) {
      const subject = secretSubject(owned, secretName);
      needed.set(subject, (needed.get(subject) ?? new Set()).add(executionRoleArn));
    }
  }
  return lab.secrets.state().flatMap((secret) => {
    const place = { account: String(secret.Account), region: String(secret.Region) };
    const subject = secretSubject(place, String(secret.Name));
    const claim = claims.find((one) => one.subject === subject);
    // A reader that a sweep has marked is gone with the next one.
    if (!claim?.adopted || Object.values(claim.holders).some((one) => one.unneededSinceMs !== undefined)) return [];
    const users = [...(needed.get(String(secret.ARN)) ?? []), ...(needed.get(subject) ?? [])];
    const idle = readersIn(textAt(secret, "ResourcePolicy")).filter((reader) => !users.includes(reader));
    return idle.map((reader) => `${String(secret.Name)} can be read by ${reader}, which no service needs`);
  });
}

function neededOf(holders: Claim["holders"]): readonly string[] {
  return Object.entries(holders).flatMap(([name, one]) => (one.unneededSinceMs === undefined ? [name] : []));
}
