import type { EcsService } from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { awsDetailTypes, eventSources, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import { controlPlaneFor } from "../../shared/config/config.ts";
import { decodeToken, findSidecar, parseValueFrom } from "../../shared/data-plane/ztunnel/index.ts";
import { effectiveTags, enrollIntent, unknownTags } from "../../shared/enrollment/tags.ts";
import { endedStatuses } from "../../shared/model/rollout.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import { containersOf } from "../../shared/model/task-definition.ts";
import { bringsFacts } from "../../shared/rollout/kinds.ts";
import { anchorsIn, isBundle, parseBundle } from "../../shared/trust/bundle.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { label, type OwnedService } from "./actors.ts";
import { BAD_APPLICATION } from "./campaign-fleet.ts";
import type { CampaignResult } from "./campaign-result.ts";
import { emergencyOf } from "./emergency-invariants.ts";
import { unknownTasks } from "./mesh-invariants.ts";

interface JudgedService extends CampaignResult {
  readonly owned: OwnedService;
  readonly service: EcsService;
  readonly definition: JsonObject;
  readonly state: ServiceState | undefined;
  readonly intent: ReturnType<typeof enrollIntent>;
  /** The autopilot's current decision about the service. */
  readonly verdict: string;
  /** One of its tags, or of its cluster's, has a key that is nearly one of ours. */
  readonly hasTypo: boolean;
  /** An unenroll rollout has taken the fleet out of the mesh. */
  readonly fleetUnenrolled: boolean;
}

/** The violated invariants of services, in words. */
export async function serviceViolations(result: CampaignResult): Promise<readonly string[]> {
  const { lab, actors } = result;
  const broken = await unfinishedRolls(result);
  const fleetUnenrolled = (await lab.ledger.getFleet()).unenrolledBy !== undefined;
  const verdicts = await verdictsOn(result);
  for (const owned of actors.existing()) {
    const service = lab.ecs.findService(arnOf(owned));
    if (service?.status !== "ACTIVE") {
      broken.push(`${label(owned)} is gone, and its owner didn't delete it`);
      continue;
    }
    const definition = service.deployments[0]?.revision.definition ?? {};
    const state = await lab.ledger.getService(service.arn);
    const tags = Object.fromEntries(service.tags);
    const clusterTags = Object.fromEntries(service.cluster.tags);
    const intent = enrollIntent(tags, clusterTags, lab.config.enrollTagKey);
    const verdict = verdicts.get(service.arn) ?? "unknown";
    const hasTypo = unknownTags(effectiveTags(tags, clusterTags), lab.config.enrollTagKey).length > 0;
    const judged = { owned, service, definition, state, intent, verdict, hasTypo, fleetUnenrolled };
    const seen: JudgedService = { ...result, ...judged };
    const problems = [...atRest(seen), ...mesh(seen), ...(await trust(seen)), ...owner(seen), ...(await tasks(seen))];
    broken.push(...problems.map((what) => `${label(owned)} ${what}`));
    if (verdict === "as-desired")
      broken.push(...unknownTasks(result, service).map((what) => `${label(owned)} ${what}`));
    if (verdict === "awaits-rollout" && !(await explained(seen))) {
      broken.push(`${label(owned)} waits for a rollout that never comes`);
    }
  }
  return broken;
}

/** Every roll ends within this time. */
const LONGEST_ROLL_MINUTES = 180;

/**
 * The autopilot's decision about every service. A service that no sweep has reached yet, or that is due for another
 * attempt, may start a roll now. Its decision is read again when that roll has ended.
 */
async function verdictsOn(result: CampaignResult): Promise<ReadonlyMap<string, string>> {
  const { lab, actors } = result;
  const arns = actors.existing().map(arnOf);
  const verdicts = new Map<string, string>();
  const ask = async (arn: string) => {
    const service = lab.ecs.findService(arn);
    if (service) verdicts.set(arn, await verdictOn(result, service));
  };
  for (const arn of arns) await ask(arn);
  const busy = () => lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn, statusFilter: "RUNNING" });
  for (let minutes = 0; minutes < LONGEST_ROLL_MINUTES && busy().length > 0; minutes += 1)
    await lab.clock.sleep(60_000);
  for (const arn of arns) if (["started", "roll-in-progress"].includes(verdicts.get(arn) ?? "")) await ask(arn);
  return verdicts;
}

/** Leases and executions that should have ended. Has to run before anything reconciles, which may start new rolls. */
async function unfinishedRolls({ lab }: CampaignResult): Promise<string[]> {
  const broken: string[] = [];
  for await (const { serviceArn, roll } of lab.ledger.listServices()) {
    if (roll) broken.push(`${serviceArn.split("/").at(-1)} still has a lease: ${roll.executionName}`);
  }
  for (const { name } of lab.stepFunctions.listExecutions({
    stateMachineArn: lab.rollServiceArn,
    statusFilter: "RUNNING",
  })) {
    broken.push(`the roll ${name} still runs`);
  }
  return broken;
}

/** The decision that reconcile-service returns for a tag event of the service. */
async function verdictOn({ lab }: CampaignResult, { arn, cluster }: EcsService): Promise<string> {
  const { account, region } = cluster.scope;
  const event = {
    source: eventSources.tag,
    "detail-type": awsDetailTypes.tag,
    account,
    region,
    resources: [arn],
    detail: { service: "ecs", "resource-type": "service", "changed-tag-keys": [lab.config.enrollTagKey] },
  };
  try {
    const answer = await lab.lambda.invoke("reconcile-service", event);
    if (!isJsonObject(answer)) return "unknown";
    return textAt(answer, "why") ?? textAt(answer, "did") ?? "unknown";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const REST = [
  "not-enrolled",
  "as-desired",
  "awaits-rollout",
  "fleet-unenrolled",
  "fleet-adopting",
  "tag-key-changed",
  "backing-off",
  "contested",
  "refused",
  "too-many-changes",
];

/** Every service is as desired, or at rest for a recorded reason. */
function atRest({ verdict, state, service, lab }: JudgedService): readonly string[] {
  if (verdict === "deployment-in-flight" && lab.config.policy.inFlight === "wait") {
    return service.deployments[0]?.rolloutState === "IN_PROGRESS" ? [] : ["waits for a deployment that has ended"];
  }
  // A failed attempt is due again, or a sweep has just started it.
  const isUnderWay = verdict === "started" || verdict === "already-started";
  if (isUnderWay && state?.failedAttemptKey !== undefined && state.notBefore !== undefined) return [];
  if (!REST.includes(verdict)) return [`is not at rest: ${verdict}`];
  if (verdict === "refused" && !state?.notifiedRefusals) return ["is refused, and nobody was notified"];
  if (verdict !== "backing-off") return [];
  const { lastOutcome } = state ?? {};
  if (!lastOutcome || lastOutcome.outcome === "succeeded")
    return [`backs off after ${lastOutcome?.outcome ?? "nothing"}`];
  const running = service.deployments[0]?.revision.arn;
  const reverted = lastOutcome.outcome === "reverted" && running !== state?.lastGoodRevisionArn;
  return reverted ? [`was reverted, and runs ${running} instead of ${state?.lastGoodRevisionArn}`] : [];
}

/** Tagged services are in the mesh, others are not. */
function mesh({ verdict, intent, definition, state, fleetUnenrolled, hasTypo }: JudgedService): readonly string[] {
  const sidecar = findSidecar(definition).kind;
  if (intent === "in" && !fleetUnenrolled && ["as-desired", "awaits-rollout"].includes(verdict) && sidecar !== "ours") {
    return [`is ${verdict}, and has no sidecar of ours: ${sidecar}`];
  }
  if (intent === "in" && verdict === "not-enrolled") return ["is tagged, and counts as not enrolled"];
  if (intent !== "absent" && intent !== "out") return [];
  if (sidecar === "none" || ["backing-off", "contested", "refused", "too-many-changes"].includes(verdict)) return [];
  // A key with a typo takes nobody out of the mesh: the service is warned, and kept.
  if (intent === "absent" && hasTypo && state?.enrolled) return [];
  return [`is not tagged and has a sidecar (${verdict}, enrolled in the ledger: ${state?.enrolled})`];
}

/** A service that is as desired trusts its control plane's current root CA. */
async function trust({ verdict, definition, owned, lab }: JudgedService): Promise<readonly string[]> {
  const sidecar = findSidecar(definition);
  if (verdict !== "as-desired" || sidecar.kind !== "ours") return [];
  const plane = controlPlaneFor(lab.config, owned);
  const facts = plane && (await lab.ledger.getMeshFacts(plane.name));
  const pinned = parseValueFrom(sidecar.secretValueFrom);
  if (!facts || !pinned?.versionId) return ["pins no secret version"];
  const read = await readToken(lab, owned, sidecar.secretValueFrom);
  const value = textAt(read, "SecretString");
  if (value === undefined) return [`cannot read its token: ${textAt(read, "error")}`];
  const token = decodeToken(value);
  const same = parseBundle(token.caCert).pem === parseBundle(facts.rootCaPem).pem;
  return same ? [] : ["is as desired, and trusts another root CA than its control plane's"];
}

/** A service that was never tagged runs its owner's revision. An unenrolled one runs it without the sidecar. */
function owner({ owned, service, definition, intent }: JudgedService): readonly string[] {
  const running = service.deployments[0]?.revision.arn ?? "";
  if (!owned.everTagged) {
    return owned.revisions.includes(running) ? [] : [`was never tagged and runs a revision that is not its owner's`];
  }
  if (intent === "in" || findSidecar(definition).kind !== "none") return [];
  const waiting = containersOf(definition).filter(({ dependsOn }) => JSON.stringify(dependsOn ?? "").includes(ZTUNNEL));
  return waiting.length > 0 ? ["is out of the mesh, and containers still wait for ztunnel"] : [];
}

/** All tasks run, unless the owner's application itself is broken. */
async function tasks(judged: JudgedService): Promise<readonly string[]> {
  const { lab, owned, service, verdict, state, definition } = judged;
  const [primary] = service.deployments;
  // An owner's revision may be broken, and ECS takes a while to replace tasks that a fault stopped.
  if (owned.revisions.includes(primary?.revision.arn ?? "")) return [];
  const used = containersOf(definition).map((one) => textAt(one, "image") ?? "");
  if (used.includes(BAD_APPLICATION) || !primary || verdict === "deployment-in-flight") return [];
  const running = [...primary.tasks].filter(({ lastStatus }) => lastStatus === "RUNNING").length;
  if (running === service.desiredCount && service.deployments.length === 1) return [];
  // The revert failed, too. The autopilot has notified that and leaves the service alone.
  if (wasStranded(lab, service.arn)) return [];
  if ((await hasUnreadRootCa(judged)) || (await isLeftCutOff(judged))) return [];
  return [
    `runs ${running} of ${service.desiredCount} tasks in ${service.deployments.length} deployments of ${used.join(", ")}: ` +
      `${verdict}, last roll ${state?.lastOutcome?.outcome ?? "none"} ${state?.lastOutcome?.reason ?? ""}` +
      `; istiod: ${(await refusedCertificate(judged)) ?? "gives certificates"}`,
  ];
}

/** True if istiod signs with a root certificate that was spoiled before anybody could read it. */
async function hasUnreadRootCa({ lab, owned }: JudgedService): Promise<boolean> {
  const plane = controlPlaneFor(lab.config, owned);
  const signing = lab.controlPlanes.get(plane?.name ?? "")?.istiodRootCaPem() ?? "";
  const facts = plane && (await lab.ledger.getMeshFacts(plane.name));
  if (!facts || !isBundle(signing)) return false;
  const known = anchorsIn(facts.rootCaPem);
  return !anchorsIn(signing).some((anchor) => known.includes(anchor));
}

/** True if the service is cut off from its root CA, and an operator has stopped the rotation or lets it wait. */
async function isLeftCutOff({ lab, owned, service }: JudgedService): Promise<boolean> {
  const plane = controlPlaneFor(lab.config, owned)?.name ?? "";
  const { emergency } = (await lab.ledger.getMesh(plane)) ?? {};
  if (!emergency?.serviceArns.includes(service.arn)) return false;
  return ["stopped", "held"].includes(await emergencyOf(lab, plane));
}

/** Why istiod gives no certificate to a task of the service that starts now; undefined if it does. */
async function refusedCertificate({ lab, owned, definition }: JudgedService): Promise<string | undefined> {
  const sidecar = findSidecar(definition);
  if (sidecar.kind !== "ours") return undefined;
  const token = textAt(await readToken(lab, owned, sidecar.secretValueFrom), "SecretString") ?? "";
  return lab.controlPlanes.get(controlPlaneFor(lab.config, owned)?.name ?? "")?.certificateRefusal({
    taskArn: "",
    container: ZTUNNEL,
    taskRoleArn: textAt(definition, "taskRoleArn"),
    environment: new Map([["BOOTSTRAP_TOKEN", token]]),
  });
}

/** The answer to a read of the secret version that a sidecar pins, or the error. */
async function readToken(lab: Lab, owned: OwnedService, valueFrom: string): Promise<JsonObject> {
  const { secretArn = "", versionId = "" } = parseValueFrom(valueFrom) ?? {};
  return lab
    .call(owned, "GetSecretValue", { SecretId: secretArn, VersionId: versionId }, "secretsmanager")
    .catch((error: unknown) => ({ error: String(error) }));
}

/** True if the last roll that changed the service could not revert it. */
function wasStranded(lab: Lab, arn: string): boolean {
  const changes = ["succeeded", "unverified", "reverted", "revert-failed"];
  const ended = lab.rolls().filter(({ service, outcome }) => service === arn && changes.includes(outcome ?? ""));
  return ended.at(-1)?.outcome === "revert-failed";
}

/** True if an unfinished rollout, or one that ended without updating the service, explains why the service waits. */
async function explained({ lab, service }: JudgedService): Promise<boolean> {
  for await (const rollout of lab.ledger.listRollouts()) {
    if (!endedStatuses.includes(rollout.status)) return true;
    if (!bringsFacts(rollout.kind) && rollout.kind !== "reconfigure") continue;
    if (rollout.status !== "completed") return true;
    for await (const one of lab.ledger.listRolloutServices(rollout.id)) {
      if (one.serviceArn !== service.arn || one.status === "succeeded" || one.status === "unverified") continue;
      return true;
    }
  }
  return false;
}
