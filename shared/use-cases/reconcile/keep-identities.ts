import type { Place } from "../../base/arn.ts";
import { type Config, controlPlaneFor, targetsOf } from "../../config/config.ts";
import { hasForeignDeny, parseValueFrom, tokenScopeOf, withReaders } from "../../data-plane/ztunnel/index.ts";
import { type Needed, reviewed, withoutHolders } from "../../enrollment/claims.ts";
import { needsOf, placeName } from "../../enrollment/needs.ts";
import { type SharedHostname, sharedHostnamesOf } from "../../enrollment/shared-hostnames.ts";
import { type SharedRole, sharedRolesOf } from "../../enrollment/shared-problems.ts";
import { type Claim, newClaim, secretSubject } from "../../model/claim.ts";
import { writeReaders } from "../observe/write-readers.ts";
import { recordHoldersKnown } from "./holders-known.ts";
import {
  type KeepCalls,
  type Keeping,
  ownerOf,
  reportDrift,
  reportFailure,
  reportUnreadable,
  type Sightings,
  trying,
} from "./keeping.ts";
import type { KnownLedger, LaterStates } from "./known-ledger.ts";
import { type ListedSecret, policiesToRead } from "./known-policies.ts";
import { followOrphans } from "./orphans.ts";
import { reportProblem } from "./report-problems.ts";
import { restoreBindings } from "./restore-bindings.ts";

const DAY_MS = 24 * 3_600_000;
/** Days to change one's mind. */
const RECOVERY_DAYS = 30;
const MOST_WRITES = 3;
const NO_ONE: Needed = new Map();

/** What the ledger remembers of what services share, and of the services. */
type Remembered = Pick<KnownLedger, "claims" | "unreadableClaims"> & LaterStates;

/**
 * Compares what services share with who needs it, by the ledger: claims follow from the services, a lost binding is
 * restored for its owner, a secret's policy names who reads it. What nobody needs any more is given back: a reader with
 * the next sweep, an identity after `policy.identityGraceDays`, with its secrets. What can't be read or written is
 * logged, and comes again with the next sweep. The claims were read before the states: one that a roll has changed
 * since is left to the next sweep, as the states say what the roll needs and the claim does not.
 */
export async function keepIdentities(
  sightings: Sightings,
  { claims: listed, unreadableClaims, states, unreadable }: Remembered,
  calls: KeepCalls,
): Promise<void> {
  try {
    for (const { pk, why } of unreadableClaims) reportUnreadable(pk, why, calls);
    const claims = new Map(listed.map((claim) => [claim.subject, claim]));
    await trying("orphaned services", calls, () => followOrphans(states, sightings, calls));
    const seen = seenIn(sightings, unreadable);
    const needs = needsOf(states, calls.config, seen);
    const versions = new Map([...claims.values()].map(({ subject, version }) => [subject, version]));
    const keeping: Keeping = { claims, versions, needs, sightings, calls };
    let reviewed = true;
    for (const subject of new Set([...claims.keys(), ...needs.bySubject.keys()]))
      reviewed = (await review(subject, keeping)) && reviewed;
    if (reviewed && unreadable.length === 0) await recordHoldersKnown(states, calls);
    for (const { name } of calls.config.controlPlanes) {
      await trying(`the identities of ${name}`, calls, () => restoreBindings(name, keeping));
      const of = { controlPlane: name, config: calls.config };
      const seenServices = [...sightings.values()].flatMap(({ remembered }) => [...remembered.values()]);
      const shared = [
        ...sharedRolesOf(states, { ...of, isGone: seen.isGone }),
        ...sharedHostnamesOf(
          seenServices.filter(({ enrolled }) => enrolled),
          states,
          of,
        ),
      ];
      await trying(`what services of ${name} share`, calls, () => reportShared(name, shared, keeping));
    }
    for (const target of targetsOf(calls.config)) {
      await trying(`the readers of ${placeName(target)}`, calls, () => keepReaders(target, keeping));
    }
  } catch (error) {
    reportFailure("the identities", error, calls);
  }
}

/** Reports roles and hostnames of several service accounts, and ends the problems of what no service has any more. */
async function reportShared(
  controlPlane: string,
  shared: readonly (SharedRole | SharedHostname)[],
  keeping: Keeping,
): Promise<void> {
  for (const one of shared) await reportProblem({ controlPlane, ...one }, keeping);
  const subjects = new Set(shared.map(({ subject }) => subject));
  for (const { subject, problem } of keeping.claims.values()) {
    const [kind, plane, namespace = ""] = subject.split(" ");
    if (!problem || plane !== controlPlane || subjects.has(subject)) continue;
    const isInUse =
      kind !== "role" &&
      kind !== "hostname" &&
      isOwned(kind === "namespace" ? namespace : subject, controlPlane, keeping);
    if (!isInUse) await reportProblem({ controlPlane, subject, found: undefined, services: [] }, keeping);
  }
}

/** True for a service account with an owner, by its subject, and for a namespace with such an account. */
function isOwned(subjectOrNamespace: string, controlPlane: string, { claims }: Keeping): boolean {
  const prefix = `service-account ${controlPlane} ${subjectOrNamespace} `;
  return [...claims.values()].some(
    (claim) =>
      (claim.subject === subjectOrNamespace || claim.subject.startsWith(prefix)) && ownerOf(claim) !== undefined,
  );
}

/** What a service needs whose item can't be read is unknown, unless the service is gone. */
function seenIn(sightings: Sightings, unreadable: readonly string[]) {
  const isGone = (serviceArn: string) => {
    const [, , , region = "", account = ""] = serviceArn.split(":");
    const sighting = sightings.get(placeName({ account, region }));
    return sighting?.complete === true && !sighting.services.has(serviceArn);
  };
  const users = [...sightings.values()].flatMap((sighting) => [...sighting.users.keys()]);
  return { users: [...users, ...unreadable.filter((serviceArn) => !isGone(serviceArn))], isGone };
}

/** False where it could not be done. */
async function review(subject: string, keeping: Keeping): Promise<boolean> {
  const { claims, needs, calls } = keeping;
  return trying(subject, calls, async () => {
    const listed = claims.get(subject);
    const needed = needs.bySubject.get(subject) ?? NO_ONE;
    const at = {
      nowMs: calls.now(),
      graceMs: graceOf(subject, calls.config),
      knowsAll: knowsAll(subject, keeping),
      planned: needs.planned.get(subject) ?? NO_ONE,
    };
    const first = reviewed(listed ?? newClaim(subject), needed, at);
    if (first.next) await change(keeping, subject, () => first.next);
    if (first.ripe.length === 0) return;
    // A roll may have claimed it since it was listed, and binds it then.
    const { stored } = await calls.ledger.changeClaim(subject, () => ({}));
    if (stored) claims.set(subject, stored);
    const still = stored ? reviewed(stored, needed, at).ripe : [];
    const ripe = still.length > 0 ? await giveBack(subject, still, keeping) : [];
    if (ripe.length > 0) await change(keeping, subject, (claim) => withoutHolders(claim, ripe));
  });
}

/** Changes a claim that nobody has changed since it was listed. */
async function change(
  { claims, calls }: Keeping,
  subject: string,
  to: (claim: Claim) => Claim | undefined,
): Promise<void> {
  const known = claims.get(subject);
  const { stored } = await calls.ledger.changeClaim(subject, (claim) =>
    claim?.version === known?.version ? { next: to(claim ?? newClaim(subject)) } : {},
  );
  if (stored) claims.set(subject, stored);
}

function graceOf(subject: string, { policy }: Config): number {
  return subject.startsWith("secret ") ? 0 : policy.identityGraceDays * DAY_MS;
}

function knowsAll(subject: string, { needs, sightings, calls }: Keeping): boolean {
  const [kind, first = "", second = ""] = subject.split(" ");
  const isKnown = (place: Place) =>
    sightings.get(placeName(place))?.complete === true && !needs.unknownIn.has(placeName(place));
  if (kind === "secret") return isKnown({ account: first, region: second });
  const plane = calls.config.controlPlanes.find(({ name }) => name === first);
  return (
    plane?.serves.every(({ account, regions }) => regions.every((region) => isKnown({ account, region }))) ?? false
  );
}

/** Gives back what was held, and returns the holders for which that is done. */
async function giveBack(subject: string, ripe: readonly string[], keeping: Keeping): Promise<readonly string[]> {
  const [kind, controlPlane = "", namespace = "", serviceAccount = ""] = subject.split(" ");
  if (kind !== "service-account") return ripe;
  const { calls } = keeping;
  for (const roleArn of ripe) {
    await calls.controlPlane(controlPlane).unbind({ namespace, serviceAccount, roleArn });
    calls.log.info("an identity that no service has was unbound", { controlPlane, namespace, serviceAccount, roleArn });
  }
  const isFree = Object.keys(keeping.claims.get(subject)?.holders ?? {}).every((role) => ripe.includes(role));
  if (isFree) await scheduleDeletions({ controlPlane, namespace, serviceAccount }, keeping);
  return ripe;
}

/** The secrets of the identity, unless a task definition names one or somebody needs it. */
async function scheduleDeletions(
  identity: { readonly controlPlane: string; readonly namespace: string; readonly serviceAccount: string },
  { sightings, needs, calls }: Keeping,
): Promise<void> {
  for (const target of targetsOf(calls.config)) {
    if (controlPlaneFor(calls.config, target)?.name !== identity.controlPlane) continue;
    const { listed = new Map(), secrets = [] } = sightings.get(placeName(target)) ?? {};
    const named = new Set([...secrets].map((valueFrom) => parseValueFrom(valueFrom)?.secretArn));
    for (const [name, { arn }] of listed) {
      const scope = tokenScopeOf(name);
      const isIts = scope?.namespace === identity.namespace && scope.serviceAccount === identity.serviceAccount;
      const own = secretSubject(target, name);
      const isNeeded = named.has(arn) || needs.bySubject.has(own) || needs.planned.has(own);
      if (!isIts || isNeeded) continue;
      await calls.secrets(target).scheduleDeletion(arn, RECOVERY_DAYS);
      const deletesAtMs = calls.now() + RECOVERY_DAYS * DAY_MS;
      const subject = secretSubject(target, name);
      await calls.ledger.changeClaim(subject, (claim) => ({ next: { ...(claim ?? newClaim(subject)), deletesAtMs } }));
      calls.log.info("a secret that no service needs was scheduled for deletion", {
        secretArn: arn,
        days: RECOVERY_DAYS,
      });
    }
  }
}

/** Writes the policies of secrets whose readers have changed, and looks whether somebody has edited others. */
async function keepReaders(target: Place, keeping: Keeping): Promise<void> {
  const { claims, versions, sightings, calls } = keeping;
  const prefix = `secret ${target.account} ${target.region} `;
  const sighting = sightings.get(placeName(target));
  const all = [...claims.values()].flatMap((claim): ListedSecret[] => {
    const found = claim.subject.startsWith(prefix) && sighting?.listed.get(claim.subject.slice(prefix.length));
    return found && isOurs(claim) ? [{ claim, secretArn: found.arn, changedMs: found.changedMs }] : [];
  });
  const isChanged = ({ claim: { subject, version } }: ListedSecret) => version !== versions.get(subject);
  const known = calls.policies;
  const at = { known, services: sighting?.services.size ?? 0, nowMs: calls.now() };
  const others = policiesToRead(
    all.filter((secret) => !isChanged(secret)),
    at,
  );
  for (const secret of [...all.filter(isChanged), ...others]) {
    const { claim, secretArn } = secret;
    await trying(secretArn, calls, async () => {
      const isWritten = await keepPolicy(secretArn, claim, target, calls);
      if (!isWritten) known?.note(secret);
      else if (!isChanged(secret)) await reportDrift(claim, "readers", keeping);
    });
  }
}

/** False for a secret that a roll has asked for and not got: somebody else may have made it. */
function isOurs({ adopted, holders }: Claim): boolean {
  return adopted || Object.values(holders).some(({ unneededSinceMs }) => unneededSinceMs === undefined);
}

/** True if the policy had to be written. */
async function keepPolicy(secretArn: string, known: Claim, target: Place, calls: KeepCalls): Promise<boolean> {
  const secrets = calls.secrets(target);
  const present = await secrets.getResourcePolicy(secretArn);
  if (hasForeignDeny(present))
    calls.log.warn("a statement of somebody else denies reads of a token's secret", { secretArn });
  if (known.adopted && !withReaders(present, Object.keys(known.holders)).changed) return false;
  for (let writes = 0; writes < MOST_WRITES; writes += 1) {
    const { stored = known } = await calls.ledger.changeClaim(known.subject, () => ({}));
    const { account } = target;
    const done = await writeReaders(secretArn, stored, { secrets, ledger: calls.ledger }, { account });
    if (done === "agrees") return writes > 0;
  }
  return true;
}
