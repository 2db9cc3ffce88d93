import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { hasMark, marks } from "../../data-plane/ztunnel/index.ts";
import { meshGatewayAmbiguous } from "../../events/mesh-events.ts";
import { rootCaChanged, rootCaExpiring } from "../../events/root-ca-events.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls, BusEvent, ControlPlaneCalls, Log } from "../../ports/ports.ts";
import { factsSubject } from "../../rollout/contested.ts";
import { parseBundle } from "../../trust/bundle.ts";
import { expiredGenerations } from "../../trust/cut-off.ts";
import { type Expiring, expiringSince } from "../../trust/expiry.ts";
import { newestOf, withBundle, withReading } from "../../trust/record.ts";
import { namedOf } from "../../trust/validity.ts";
import { claimNews } from "./claim-news.ts";
import { followEmergency } from "./emergency.ts";
import { type FollowGateCalls, followGate } from "./follow-gate.ts";
import { type CutOff, cutOffServices, trustingTasks } from "./gate.ts";
import { type Count, cutOffOf, fingerprintsOf } from "./root-rotation.ts";

export interface WatchCalls extends FollowGateCalls {
  readonly config: Config;
  readonly ledger: FollowGateCalls["ledger"] & Pick<Ledger, "changeMesh" | "getMesh" | "putMeshFacts">;
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readMeshFacts" | "readCaChain" | "listWorkloadEntries">;
  readonly bus: BusCalls;
  readonly log: Log;
  readonly now: () => number;
}

export interface WatchResult {
  readonly read: number;
  readonly changed: number;
  readonly expiring: number;
  readonly retirable: number;
}

/**
 * Reads every control plane's mesh facts into the ledger, as a new generation where they changed, and notifies once of
 * another root CA bundle, of a certificate that expires soon, and of one that no task needs any more. An invalid
 * bundle changes nothing. Reads all control planes, then throws the first failure, if any.
 */
export async function watchMeshFacts(calls: WatchCalls): Promise<WatchResult> {
  const results = await Promise.allSettled(calls.config.controlPlanes.map(({ name }) => watchOne(name, calls)));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [asAutopilotError(result.reason)] : []));
  for (const { code, message } of failures) calls.log.error("control plane not watched", { code, why: message });
  if (failures[0]) throw failures[0];
  const watched = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  return {
    read: watched.length,
    changed: watched.filter(({ changed }) => changed).length,
    expiring: watched.reduce((sum, { expiring }) => sum + expiring, 0),
    retirable: watched.filter(({ retirable }) => retirable).length,
  };
}

interface Watched {
  readonly changed: boolean;
  readonly expiring: number;
  readonly retirable: boolean;
}

async function watchOne(name: string, calls: WatchCalls): Promise<Watched> {
  const mesh = await recordFacts(name, calls).catch((error: unknown) => followByLastGood(name, error, calls));
  if (!mesh) return { changed: false, expiring: 0, retirable: false };
  if (mesh.unknownShape) await checkShape(mesh, calls);
  const found = await settledNews(mesh, newsOf(mesh, calls.now()), calls);
  const expires = found.expiring.some(({ thresholdDays }) => thresholdDays === 0);
  const cutOff = found.previous === undefined && !expires ? undefined : await cutOffServices(mesh, calls);
  const trustExpired = expires ? await countExpired(mesh, calls) : undefined;
  const news = await claimedNews(mesh, found, calls);
  const events = [
    ...changedEvents(mesh, news.previous, cutOff, calls.now()),
    ...news.expiring.map((one) => expiringEvent(mesh, one, { trustExpired, nowMs: calls.now() })),
    ...(news.otherGateways.length > 0 ? [ambiguousEvent(mesh, news.otherGateways)] : []),
  ];
  // Emit before recording: after a crash in between, the events are emitted again rather than never.
  if (events.length > 0) await calls.bus.putEvents(events);
  await followEmergency(mesh, cutOff, calls);
  await recordNotified(mesh, news, calls);
  return {
    changed: news.previous !== undefined,
    expiring: news.expiring.length,
    retirable: await followGate(mesh, calls),
  };
}

/** Tasks that are cut off need the last good root CA also while the present one can't be read. */
async function followByLastGood(name: string, error: unknown, calls: WatchCalls): Promise<never> {
  const mesh = await calls.ledger.getMesh(name).catch(() => undefined); // an item that can't be read is replaced later
  if (mesh?.emergency) await followEmergency(mesh, undefined, calls);
  throw error;
}

/** Ends the wait of services that could not be verified, once an entry has the mark or the policy needs it no more. */
async function checkShape({ controlPlane, unknownShape }: MeshState, calls: WatchCalls): Promise<void> {
  const mark = marks.find((one) => one === unknownShape?.mark);
  const isNeeded = mark === "task" || (mark !== undefined && calls.config.policy.verify === "strict");
  if (isNeeded && !hasMark(await calls.controlPlane(controlPlane).listWorkloadEntries({}), mark)) return;
  await calls.ledger.changeMesh(controlPlane, (current) => {
    if (!current || current.unknownShape?.since !== unknownShape?.since) return {};
    const { unknownShape: _, ...next } = current;
    return { next };
  });
}

/**
 * The control plane's mesh with its facts as read now. An item of another shape in the ledger is logged and replaced.
 */
async function recordFacts(name: string, { controlPlane, ledger, log }: WatchCalls): Promise<MeshState | undefined> {
  const facts = withBundle(await controlPlane(name).readMeshFacts());
  const write = async () => (await ledger.changeMesh(name, (mesh) => ({ next: withReading(mesh, facts) }))).stored;
  try {
    return await write();
  } catch (error) {
    const { code, message } = asAutopilotError(error);
    if (code !== "ledger-item-unreadable") throw error;
    log.warn("stored mesh facts replaced", { code, why: message });
    await ledger.putMeshFacts(facts);
    return write();
  }
}

interface News {
  /** What is to be recorded as notified of the bundle; undefined where that stays as it is. */
  readonly fingerprints: readonly string[] | undefined;
  /** The fingerprints of the bundle before, if it was another one. */
  readonly previous: readonly string[] | undefined;
  readonly expiring: readonly Expiring[];
  /** Those that were not notified yet; empty where there is one gateway. */
  readonly otherGateways: readonly string[];
}

/**
 * The news in the newest bundle that was not notified yet. The first bundle of a control plane doesn't count as a
 * change.
 */
function newsOf(mesh: MeshState, nowMs: number): News {
  const fingerprints = fingerprintsOf(newestOf(mesh));
  const [first = newestOf(mesh)] = mesh.generations;
  const before = mesh.notified.fingerprints ?? fingerprintsOf(first);
  return {
    fingerprints,
    previous: before.join() === fingerprints.join() ? undefined : before,
    expiring: expiringSince(parseBundle(newestOf(mesh).facts.rootCaPem), mesh.notified.expiryDays, nowMs),
    otherGateways: newGateways(mesh),
  };
}

/** While two writers change the bundle in turns, people are notified of that alone: of the bundle once they rest. */
async function settledNews(mesh: MeshState, news: News, { ledger }: WatchCalls): Promise<News> {
  if (news.previous === undefined) return news;
  const { sightings } = await ledger.getFleet();
  if (sightings?.[factsSubject(mesh.controlPlane)]?.contestedSince === undefined) return news;
  return { ...news, previous: undefined, fingerprints: undefined };
}

/** The part of the news that this watch is to notify people of: two may be under way at a time. */
async function claimedNews(mesh: MeshState, news: News, calls: WatchCalls): Promise<News> {
  const keysIn = (current: MeshState) => keysOf(current, newsOf(current, calls.now()));
  const claimed = await claimNews(mesh.controlPlane, keysOf(mesh, news), keysIn, calls);
  const isClaimed = (part: Partial<News>) =>
    keysOf(mesh, { ...nothingNew, ...part }).every((key) => claimed.includes(key));
  const { previous, expiring, otherGateways } = news;
  return {
    ...news,
    ...(!isClaimed({ previous }) && { previous: undefined, fingerprints: undefined }),
    expiring: expiring.filter((one) => isClaimed({ expiring: [one] })),
    otherGateways: isClaimed({ otherGateways }) ? otherGateways : [],
  };
}

const nothingNew: News = { fingerprints: undefined, previous: undefined, expiring: [], otherGateways: [] };

/** The keys by which the news is claimed. */
function keysOf(mesh: MeshState, { previous, expiring, otherGateways }: News): readonly string[] {
  return [
    ...(previous === undefined ? [] : [`bundle ${newestOf(mesh).id}`]),
    ...expiring.map((one) => `expiring ${one.certificate.fingerprint256.slice(0, 23)} ${one.thresholdDays}`),
    ...(otherGateways.length === 0 ? [] : [`gateways ${otherGateways.join()}`]),
  ];
}

function changedEvents(
  mesh: MeshState,
  previous: readonly string[] | undefined,
  cutOff: CutOff | undefined,
  nowMs: number,
): readonly BusEvent[] {
  if (previous === undefined) return [];
  const newest = newestOf(mesh);
  return [
    rootCaChanged({
      controlPlane: mesh.controlPlane,
      network: newest.facts.network,
      fingerprints: [...fingerprintsOf(newest)],
      previousFingerprints: [...previous],
      certificates: namedOf(newest.facts.rootCaPem, nowMs),
      ...(cutOff && cutOff.running.services > 0 && { cutOff: countsOf(cutOff) }),
    }),
  ];
}

function countsOf({ running, unreachable }: CutOff) {
  return { ...running, ...(unreachable.length > 0 && { unreachable: unreachable.length }) };
}

function newGateways(mesh: MeshState): readonly string[] {
  const { otherGateways = [] } = newestOf(mesh).facts;
  return otherGateways.some((name) => !mesh.notified.otherGateways?.includes(name)) ? otherGateways : [];
}

function ambiguousEvent(mesh: MeshState, others: readonly string[]): BusEvent {
  const { istiodUrl } = newestOf(mesh).facts;
  return meshGatewayAmbiguous({ controlPlane: mesh.controlPlane, istiodUrl, others: [...others] });
}

/** Who trusts nothing but what has expired. */
async function countExpired(mesh: MeshState, calls: WatchCalls): Promise<Count> {
  const { tasks } = await trustingTasks(mesh, calls);
  return cutOffOf(mesh, tasks, expiredGenerations(mesh, calls.now()));
}

/** A certificate that has expired comes with who is cut off, and with the roots of the bundle that are valid. */
function expiringEvent(
  mesh: MeshState,
  { certificate, thresholdDays, daysLeft }: Expiring,
  { trustExpired, nowMs }: { readonly trustExpired: Count | undefined; readonly nowMs: number },
): BusEvent {
  const { fingerprint256, subject, notBefore, notAfter } = certificate;
  const { controlPlane } = mesh;
  const { network, rootCaPem } = newestOf(mesh).facts;
  const about = { controlPlane, network, fingerprint: fingerprint256, subject, notBefore, notAfter, daysLeft };
  if (thresholdDays > 0) return rootCaExpiring(about);
  const keep = namedOf(rootCaPem, nowMs).filter(({ problem }) => problem === undefined);
  return rootCaExpiring({ ...about, ...(trustExpired && { cutOff: { ...trustExpired } }), keep });
}

async function recordNotified(
  mesh: MeshState,
  { fingerprints, expiring, otherGateways }: News,
  { ledger }: WatchCalls,
): Promise<void> {
  const isRecorded = !fingerprints || mesh.notified.fingerprints?.join() === fingerprints.join();
  if (isRecorded && expiring.length === 0 && otherGateways.length === 0) return;
  const days = expiring.map(({ certificate, thresholdDays }) => [certificate.fingerprint256, thresholdDays] as const);
  await ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current && {
      ...current,
      notified: {
        ...current.notified,
        ...(fingerprints && { fingerprints: [...fingerprints] }),
        ...(otherGateways.length > 0 && { otherGateways: [...otherGateways] }),
        expiryDays: { ...current.notified.expiryDays, ...Object.fromEntries(days) },
      },
    },
  }));
}
