import { parseServiceArn } from "../../base/arn.ts";
import { findSidecar } from "../../data-plane/ztunnel/index.ts";
import { pinnedGeneration } from "../../enrollment/pinned-generation.ts";
import type { MeshGeneration, MeshState } from "../../model/mesh.ts";
import type { DescribedTaskDefinition, ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { anchorsIn, parseBundle, type RootCertificate } from "../../trust/bundle.ts";
import { cutOffGenerations } from "../../trust/cut-off.ts";
import { newestOf } from "../../trust/record.ts";
import { problemOfRoot } from "../../trust/validity.ts";

/**
 * What the tasks of a task definition trust: the root CA bundle of a generation of mesh facts; nothing, without
 * ztunnel; unknown, if the known generations don't give it away.
 */
export type Trust = { readonly factsId: string } | "none" | "unknown";

/**
 * The generation whose token the task definition pins, found by comparison with the tokens that the pinned secret's
 * identity and each generation's facts make, the newest first: no token is read. Throws `invalid-pem` when facts have
 * no bundle.
 */
export function trustOf(
  observed: { readonly service: ObservedService; readonly definition: DescribedTaskDefinition },
  generations: readonly MeshGeneration[],
): Trust {
  const sidecar = findSidecar(observed.definition.raw);
  if (sidecar.kind === "none" || sidecar.kind === "foreign") return "none";
  const pinned = sidecar.kind === "ours" && pinnedGeneration(observed, sidecar.secretValueFrom, generations);
  return pinned ? { factsId: pinned.id } : "unknown";
}

/**
 * What a service that can't be read may trust, by the tokens that the ledger remembers of it: the last good one, or
 * each that its tasks may have while that is not settled.
 */
export function rememberedTrusts(
  { serviceArn, secretsInUse, lastGoodSecret, roll, unverified }: RememberedTokens,
  generations: readonly MeshGeneration[],
): readonly Trust[] {
  const ref = parseServiceArn(serviceArn);
  const isSettled = roll === undefined && unverified === undefined;
  const tokens = isSettled ? [lastGoodSecret ?? secretsInUse.at(-1)] : [lastGoodSecret, ...secretsInUse];
  const known = [...new Set(tokens)].filter((token) => token !== undefined);
  if (!ref || known.length === 0) return ["unknown"];
  return known.map((token) => {
    const pinned = pinnedGeneration({ service: { ref } }, token, generations);
    return pinned ? { factsId: pinned.id } : "unknown";
  });
}

type RememberedTokens = Pick<ServiceState, "serviceArn" | "secretsInUse" | "lastGoodSecret" | "roll" | "unverified">;

/** The tasks of one deployment of a service. */
export interface TrustingTasks {
  readonly serviceArn: string;
  readonly runningTasks: number;
  readonly trust: Trust;
  /** The service can't be read: how many tasks run is unknown. */
  readonly isRemembered?: true;
}

export interface Count {
  readonly services: number;
  readonly tasks: number;
}

/** How many services and tasks trust which generation. */
export interface TrustCensus {
  readonly total: Count;
  /** By the generation's id. */
  readonly byGeneration: Readonly<Record<string, Count>>;
  readonly unknown: Count;
}

/** A service in the middle of a deployment may count in several generations. Tasks without ztunnel don't count. */
export function censusOf(all: readonly TrustingTasks[]): TrustCensus {
  const meshed = all.filter(({ trust }) => trust !== "none");
  const ids = [...new Set(meshed.flatMap(({ trust }) => (typeof trust === "object" ? [trust.factsId] : [])))];
  return {
    total: countOf(meshed),
    byGeneration: Object.fromEntries(ids.map((id) => [id, countOf(meshed.filter(({ trust }) => trusts(trust, id)))])),
    unknown: countOf(meshed.filter(({ trust }) => trust === "unknown")),
  };
}

function trusts(trust: Trust, factsId: string): boolean {
  return typeof trust === "object" && trust.factsId === factsId;
}

function countOf(all: readonly TrustingTasks[]): Count {
  return {
    services: new Set(all.map(({ serviceArn }) => serviceArn)).size,
    tasks: all.reduce((sum, { runningTasks }) => sum + runningTasks, 0),
  };
}

/** The certificates of these facts' bundle, by fingerprint. Throws `invalid-pem` when it is none. */
export function fingerprintsOf({ facts }: Pick<MeshGeneration, "facts">): readonly string[] {
  return parseBundle(facts.rootCaPem).certificates.map(({ fingerprint256 }) => fingerprint256);
}

/** The services whose tasks, also those that are about to start, trust no anchor of the newest bundle. */
export function cutOffArns(mesh: MeshState, all: readonly TrustingTasks[]): readonly string[] {
  const cut = cutOffGenerations(mesh);
  const found = all.filter(({ trust }) => typeof trust === "object" && cut.has(trust.factsId));
  return [...new Set(found.map(({ serviceArn }) => serviceArn))].sort();
}

/**
 * Running tasks that trust no anchor of the newest bundle, or none but those of the given generations. Services that
 * can't be read count, without their tasks.
 */
export function cutOffOf(
  mesh: MeshState,
  all: readonly TrustingTasks[],
  cut: ReadonlySet<string> = cutOffGenerations(mesh),
): Count {
  const mayRun = ({ runningTasks, isRemembered }: TrustingTasks) => runningTasks > 0 || isRemembered === true;
  return countOf(all.filter((one) => mayRun(one) && typeof one.trust === "object" && cut.has(one.trust.factsId)));
}

/**
 * The newest bundle's certificates while a root is being replaced: those whose anchors came earlier, and those whose
 * anchors came last. A root that is renewed with its key replaces no anchor.
 */
export interface RootRotation {
  readonly retiring: readonly string[];
  readonly remaining: readonly string[];
}

/**
 * The rotation under way, if the newest bundle has both anchors of an earlier bundle and newer ones. What remains are
 * roots that are valid now, and for a while: one that is not valid yet, one that has expired or is about to, an
 * intermediate or a leaf replaces nothing. What retires are roots, whether they have expired or not.
 */
export function rotationOf(mesh: MeshState, nowMs: number): RootRotation | undefined {
  const bundles = mesh.generations.map(({ facts }) => anchorsIn(facts.rootCaPem));
  const cameWith = ({ anchor }: RootCertificate) => bundles.findIndex((bundle) => bundle.includes(anchor));
  const { certificates } = parseBundle(newestOf(mesh).facts.rootCaPem);
  const lasting = certificates.filter(
    (one) => problemOfRoot(one, nowMs) === undefined && problemOfRoot(one, nowMs + LEAST_REST_MS) === undefined,
  );
  const last = Math.max(...lasting.map(cameWith));
  const remaining = lasting.filter((one) => cameWith(one) === last);
  const retiring = certificates.filter(
    (one) => one.kind === "root" && problemOfRoot(one, nowMs) !== "not-valid-yet" && cameWith(one) < last,
  );
  if (retiring.length === 0 || remaining.length === 0) return undefined;
  return { retiring: fingerprintsIn(retiring), remaining: fingerprintsIn(remaining) };
}

/** What remains has to last until somebody can act: a root that ends within a day is the next one's problem. */
const LEAST_REST_MS = 24 * 3_600_000;

function fingerprintsIn(certificates: readonly RootCertificate[]): readonly string[] {
  return certificates.map(({ fingerprint256 }) => fingerprint256);
}

/**
 * True if the tasks trust no anchor of what remains, or may not: then they need the retiring ones. Those of another
 * control plane (`isOwn` is false) need them only where they trust one of these.
 */
export function needsRetiring(
  { trust }: TrustingTasks,
  rotation: RootRotation,
  mesh: MeshState,
  { generations, isOwn }: Owner = { generations: mesh.generations, isOwn: true },
): boolean {
  if (trust === "none") return false;
  const generation = trust === "unknown" ? undefined : generations.find(({ id }) => id === trust.factsId);
  if (!generation) return true;
  const trusted = anchorsIn(generation.facts.rootCaPem);
  const trustsOne = (fingerprints: readonly string[]) =>
    anchorsAmong(mesh, fingerprints).some((anchor) => trusted.includes(anchor));
  return !trustsOne(rotation.remaining) && (isOwn || trustsOne(rotation.retiring));
}

/** Whose tasks they are, and what tokens they may have. */
interface Owner {
  readonly generations: readonly MeshGeneration[];
  readonly isOwn: boolean;
}

/** True if the other mesh has had an anchor that is being retired in this one. */
export function sharesRetiring(other: MeshState, mesh: MeshState, { retiring: fingerprints }: RootRotation): boolean {
  const retiring = anchorsAmong(mesh, fingerprints);
  return other.generations.some(({ facts }) => anchorsIn(facts.rootCaPem).some((anchor) => retiring.includes(anchor)));
}

/** The anchors of these certificates of the newest bundle. */
export function anchorsAmong(mesh: MeshState, fingerprints: readonly string[]): readonly string[] {
  const { certificates } = parseBundle(newestOf(mesh).facts.rootCaPem);
  return certificates.filter((one) => fingerprints.includes(one.fingerprint256)).map(({ anchor }) => anchor);
}
