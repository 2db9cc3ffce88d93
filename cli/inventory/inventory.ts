import { type Place, parseServiceArn } from "../../shared/base/arn.ts";
import { asAutopilotError, type FailureCode } from "../../shared/base/errors.ts";
import { type Config, controlPlaneFor, type Target, targetsOf } from "../../shared/config/config.ts";
import { proxiesOutbound } from "../../shared/data-plane/ztunnel/index.ts";
import { isOfEarlierService } from "../../shared/deployment/memory.ts";
import { SERIES_MS } from "../../shared/deployment/stops.ts";
import { strandedOf } from "../../shared/deployment/stranded.ts";
import { throttledUntilMs } from "../../shared/deployment/wish-rate.ts";
import type { Decision, NoneReason } from "../../shared/enrollment/decision.ts";
import { enrollIntent } from "../../shared/enrollment/tags.ts";
import { versionSkew } from "../../shared/enrollment/version-skew.ts";
import { ownSidecar } from "../../shared/enrollment/wish.ts";
import type { MeshState } from "../../shared/model/mesh.ts";
import type { DriftReason, Refusal, Warning } from "../../shared/model/reasons.ts";
import type { Scope } from "../../shared/model/rollout.ts";
import type { ObservedService } from "../../shared/model/service.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import { holdsLease } from "../../shared/model/service-state.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { matchesScope } from "../../shared/rollout/identity.ts";
import { newestOf } from "../../shared/trust/record.ts";
import {
  decideObserved,
  type ObserveCalls,
  type ObservedState,
  observeDescribed,
} from "../../shared/use-cases/observe/observe.ts";
import { type Known, type KnownCalls, readKnown, type Unreadable } from "./known.ts";
import { type SharedThings, sharedThings } from "./shared-things.ts";
import { type TokenRoot, tokenRoot } from "./token-root.ts";

export interface ReadFailure {
  readonly code: FailureCode;
  readonly detail: string;
}

/** A service of the inventory: its desired state, its observed state and its last outcome. */
export interface InventoryService extends Place {
  readonly serviceArn: string;
  readonly cluster: string;
  readonly name: string;
  /** What the tags ask for. */
  readonly enrolled: boolean;
  /** The task definition has a ztunnel that the autopilot knows. */
  readonly sidecar: boolean;
  readonly ztunnelImage?: string;
  /** It has a sidecar, and the application's outbound traffic goes through it. */
  readonly outbound?: boolean;
  /** `family:revision` */
  readonly revision: string;
  /** The root CA of its token; absent where the token is not known. */
  readonly root?: TokenRoot;
  readonly lastOutcome?: NonNullable<ServiceState["lastOutcome"]>;
  /** Tasks that died one after the other, the last one within an hour, while no roll was under way. */
  readonly stops?: { readonly count: number; readonly since: string; readonly code: string };
  /** Its tags change too often: what they ask for is done then, ISO 8601. */
  readonly throttledUntil?: string;
  /** The last roll could not be reverted, and the service does not run. */
  readonly stranded: boolean;
  /** A roll is under way. */
  readonly rolling: boolean;
  /** What reconciling it would come to. */
  readonly verdict: NoneReason | "drift" | "refused" | "unknown";
  readonly drift: readonly DriftReason[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly Warning[];
  /** Minor versions of ztunnel and istiod where they differ. */
  readonly skew?: { readonly ztunnel: string; readonly istiod: string };
  /** Why nothing more is known of it. */
  readonly failure?: ReadFailure;
}

export interface Inventory extends SharedThings {
  readonly services: readonly InventoryService[];
  /** Places of which not every service could be read. */
  readonly unread: readonly (Place & ReadFailure)[];
  /** Services with short ARNs: they can have no tags, and can't be in the mesh. */
  readonly shortArns: readonly string[];
  /** istiod's version by control plane, where it is known. */
  readonly istiod: Readonly<Record<string, string>>;
  /** Items of the ledger that can't be read: what belongs to them is left out, or unknown. */
  readonly unreadable: readonly Unreadable[];
}

export interface InventoryCalls extends KnownCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => ObserveCalls & Pick<EcsCalls, "describeServices" | "listClusters" | "listServices">;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Receives the number of services that were read so far. */
  readonly onProgress?: (read: number) => void;
}

const SERVICES_PER_CALL = 10;

/**
 * Every service of the scope, sorted by account, region, cluster and name. It only reads. A service or a place that
 * can't be read is named with the failure; what fails for all of them (the ledger, a wrong scope) is thrown.
 */
export async function readInventory(scope: Scope, calls: InventoryCalls): Promise<Inventory> {
  const known = await readKnown(calls);
  const services: InventoryService[] = [];
  const unread: (Place & ReadFailure)[] = [];
  const shortArns: string[] = [];
  const note = (service: InventoryService) => {
    services.push(service);
    calls.onProgress?.(services.length);
  };
  const targets = targetsOf(calls.config).filter((target) => isInScope(scope, target));
  await Promise.all(
    targets.map(async ({ account, region }) => {
      try {
        await readPlace({ account, region }, scope, known, calls, {
          service: note,
          shortArn: (arn) => shortArns.push(arn),
        });
      } catch (error) {
        unread.push({ account, region, ...failureOf(error) });
      }
    }),
  );
  const { states, claims } = known;
  const shared = sharedThings({ states: states.values(), claims }, { scope, config: calls.config, nowMs: calls.now() });
  return {
    services: services.toSorted(byPlace),
    unread,
    shortArns: shortArns.sort(),
    istiod: istiodVersions(known.meshes),
    unreadable: known.unreadable,
    ...shared,
  };
}

/** True if the scope may have services in the account and region. */
function isInScope({ accounts, regions }: Scope, { account, region }: Target): boolean {
  const serviceArn = `arn:aws:ecs:${region}:${account}:service/any/any`;
  return matchesScope({ ...(accounts && { accounts }), ...(regions && { regions }) }, { serviceArn }, () => undefined);
}

async function readPlace(
  place: Place,
  scope: Scope,
  known: Known,
  calls: InventoryCalls,
  note: { readonly service: (service: InventoryService) => void; readonly shortArn: (arn: string) => void },
): Promise<void> {
  const ecs = calls.ecs(place);
  for await (const clusterArn of ecs.listClusters()) {
    const names: string[] = [];
    for await (const serviceArn of ecs.listServices(clusterArn)) {
      if (!parseServiceArn(serviceArn) && !scope.clusters && !scope.services) note.shortArn(serviceArn);
      const inScope = matchesScope(scope, { serviceArn }, (at) => controlPlaneFor(calls.config, at)?.name);
      const name = inScope ? parseServiceArn(serviceArn)?.serviceName : undefined;
      if (name !== undefined) names.push(name);
    }
    for (let at = 0; at < names.length; at += SERVICES_PER_CALL) {
      const services = await ecs.describeServices(clusterArn, names.slice(at, at + SERVICES_PER_CALL));
      await Promise.all(services.map(async (service) => note.service(await readService(service, ecs, known, calls))));
    }
  }
}

async function readService(
  service: ObservedService,
  ecs: ObserveCalls,
  known: Known,
  calls: InventoryCalls,
): Promise<InventoryService> {
  const { ref } = service;
  const remembered = known.states.get(ref.serviceArn);
  const state = remembered && isOfEarlierService(remembered, service) ? undefined : remembered;
  const base = {
    serviceArn: ref.serviceArn,
    account: ref.account,
    region: ref.region,
    cluster: ref.clusterName,
    name: ref.serviceName,
    revision: service.taskDefinitionArn.split("/").at(-1) ?? "",
    rolling: holdsLease(state, calls.now()),
    stranded: strandedOf(service, state) !== undefined,
    ...stopsOf(state, calls.now()),
    ...throttleOf(state, calls.now()),
    ...(state?.lastOutcome && { lastOutcome: state.lastOutcome }),
  };
  const nothing = { verdict: "unknown", drift: [], refusals: [], warnings: [] } as const;
  try {
    const observed = await observeDescribed(service, state, { ecs, config: calls.config, thorough: true });
    return { ...base, ...(await describeObserved(observed, known, calls.config)) };
  } catch (error) {
    return { ...base, ...nothing, enrolled: false, sidecar: false, failure: failureOf(error) };
  }
}

function stopsOf(state: ServiceState | undefined, nowMs: number): Pick<InventoryService, "stops"> {
  const { stops } = state ?? {};
  if (!stops || nowMs - stops.lastMs >= SERIES_MS) return {};
  return { stops: { count: stops.count, since: new Date(stops.sinceMs).toISOString(), code: stops.code } };
}

function throttleOf(state: ServiceState | undefined, nowMs: number): Pick<InventoryService, "throttledUntil"> {
  const untilMs = throttledUntilMs(state, nowMs);
  return untilMs === undefined ? {} : { throttledUntil: new Date(untilMs).toISOString() };
}

type Described = Pick<
  InventoryService,
  | "enrolled"
  | "sidecar"
  | "ztunnelImage"
  | "outbound"
  | "root"
  | "verdict"
  | "drift"
  | "refusals"
  | "warnings"
  | "skew"
  | "failure"
>;

async function describeObserved(observed: ObservedState, { meshes, fleet }: Known, config: Config): Promise<Described> {
  const { service, clusterTags, definition } = observed;
  const mesh = meshes.get(controlPlaneFor(config, service.ref)?.name ?? "");
  const sidecar = definition ? ownSidecar(definition.raw, config.keys) : { kind: "none" as const };
  const image = "image" in sidecar ? sidecar.image : undefined;
  const root = "secretValueFrom" in sidecar && mesh && tokenRoot(observed, sidecar.secretValueFrom, mesh);
  const skew = image === undefined ? undefined : versionSkew(image, mesh && newestOf(mesh).facts.istiodVersion);
  const hasSidecar = sidecar.kind !== "none" && sidecar.kind !== "foreign";
  const seen = {
    enrolled: enrollIntent(service.tags, clusterTags, config.enrollTagKey) === "in",
    sidecar: hasSidecar,
    ...(hasSidecar && definition && { outbound: proxiesOutbound(definition.raw) }),
    ...(image !== undefined && { ztunnelImage: image }),
    ...(root && { root }),
    ...(skew && { skew: { ztunnel: skew.ztunnel, istiod: skew.istiod } }),
  };
  try {
    const reads = { mesh: async (name: string) => meshes.get(name), fleet };
    const decision = await decideObserved(observed, config, reads);
    return { ...seen, ...verdictOf(decision) };
  } catch (error) {
    return { ...seen, verdict: "unknown", drift: [], refusals: [], warnings: [], failure: failureOf(error) };
  }
}

function verdictOf(decision: Decision): Pick<InventoryService, "verdict" | "drift" | "refusals" | "warnings"> {
  switch (decision.action) {
    case "none":
      return { verdict: decision.reason, drift: decision.repairs, refusals: [], warnings: decision.warnings };
    case "refuse":
      return { verdict: "refused", drift: [], refusals: decision.refusals, warnings: [] };
    case "enroll":
    case "update":
      return { verdict: "drift", drift: decision.drift, refusals: [], warnings: decision.warnings };
    case "unenroll":
      return { verdict: "drift", drift: [], refusals: [], warnings: [] };
  }
}

function failureOf(error: unknown): ReadFailure {
  const { code, detail } = asAutopilotError(error);
  return { code, detail };
}

function istiodVersions(meshes: ReadonlyMap<string, MeshState>): Readonly<Record<string, string>> {
  const versions = [...meshes].flatMap(([name, mesh]) => {
    const { istiodVersion } = newestOf(mesh).facts;
    return istiodVersion === undefined ? [] : [[name, istiodVersion] as const];
  });
  return Object.fromEntries(versions);
}

function byPlace(a: InventoryService, b: InventoryService): number {
  const key = ({ account, region, cluster, name }: InventoryService) => [account, region, cluster, name].join(" ");
  return key(a) < key(b) ? -1 : 1;
}
