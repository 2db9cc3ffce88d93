import type { EcsService } from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { awsDetailTypes, eventSources, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import { controlPlaneFor } from "../../shared/config/config.ts";
import { decodeToken, findSidecar, parseValueFrom } from "../../shared/data-plane/ztunnel/index.ts";
import { enrollIntent } from "../../shared/enrollment/tags.ts";
import { endedStatuses } from "../../shared/model/rollout.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import { containersOf } from "../../shared/model/task-definition.ts";
import { parseBundle } from "../../shared/trust/bundle.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { label, type OwnedService } from "./actors.ts";
import { BAD_APPLICATION, images } from "./campaign-fleet.ts";
import type { CampaignResult } from "./campaign-result.ts";

interface Seen extends CampaignResult {
  readonly owned: OwnedService;
  readonly service: EcsService;
  readonly definition: JsonObject;
  readonly state: ServiceState | undefined;
  readonly intent: ReturnType<typeof enrollIntent>;
  /** What the autopilot itself says of the service now. */
  readonly verdict: string;
  /** The fleet was taken out of the mesh. */
  readonly out: boolean;
}

/** What is wrong with services, in words. */
export async function serviceViolations(aftermath: CampaignResult): Promise<readonly string[]> {
  const { lab, people } = aftermath;
  const broken = await rollsLeft(aftermath);
  const { unenrolledBy: out } = await lab.ledger.getFleet();
  const verdicts = await verdictsOn(aftermath);
  for (const owned of people.living()) {
    const service = lab.ecs.findService(arnOf(owned));
    if (service?.status !== "ACTIVE") {
      broken.push(`${label(owned)} is gone, and its owner has not deleted it`);
      continue;
    }
    const definition = service.deployments[0]?.revision.definition ?? {};
    const state = await lab.ledger.getService(service.arn);
    const tags = Object.fromEntries(service.tags);
    const clusterTags = Object.fromEntries(service.cluster.tags);
    const intent = enrollIntent(tags, clusterTags, lab.config.enrollTagKey);
    const verdict = verdicts.get(service.arn) ?? "unknown";
    const seen: Seen = { ...aftermath, owned, service, definition, state, intent, verdict, out: out !== undefined };
    const problems = [...asDecided(seen), ...mesh(seen), ...(await trust(seen)), ...owner(seen), ...tasks(seen)];
    broken.push(...problems.map((what) => `${label(owned)} ${what}`));
    if (verdict === "awaits-rollout" && !(await explained(seen))) {
      broken.push(`${label(owned)} waits for a rollout that never comes`);
    }
  }
  return broken;
}

/** The longest roll ends in this time. */
const LAST_ROLLS_MINUTES = 180;

/**
 * What the autopilot says of every service. What a sweep had no turn for, or what failed and is due again, starts a roll
 * now, by this or by a sweep: it is asked once more when that has ended.
 */
async function verdictsOn(aftermath: CampaignResult): Promise<ReadonlyMap<string, string>> {
  const { lab, people } = aftermath;
  const arns = people.living().map(arnOf);
  const verdicts = new Map<string, string>();
  const ask = async (arn: string) => {
    const service = lab.ecs.findService(arn);
    if (service) verdicts.set(arn, await verdictOn(aftermath, service));
  };
  for (const arn of arns) await ask(arn);
  const busy = () => lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn, statusFilter: "RUNNING" });
  for (let minutes = 0; minutes < LAST_ROLLS_MINUTES && busy().length > 0; minutes += 1) await lab.clock.sleep(60_000);
  for (const arn of arns) if (["started", "roll-in-progress"].includes(verdicts.get(arn) ?? "")) await ask(arn);
  return verdicts;
}

/** A look at a service may start a roll: what is left of others has to be seen before. */
async function rollsLeft({ lab }: CampaignResult): Promise<string[]> {
  const broken: string[] = [];
  for await (const { serviceArn, roll } of lab.ledger.listServices()) {
    if (roll) broken.push(`${serviceArn.split("/").at(-1)} has a lease left: ${roll.executionName}`);
  }
  for (const { name } of lab.stepFunctions.listExecutions({
    stateMachineArn: lab.rollServiceArn,
    statusFilter: "RUNNING",
  })) {
    broken.push(`the roll ${name} still runs`);
  }
  return broken;
}

/** What a look at the service comes to: the autopilot's own function is asked, as by a tag's event. */
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

const REST = ["not-enrolled", "as-desired", "awaits-rollout", "fleet-unenrolled", "backing-off", "refused"];

/** As desired, or at rest for a reason that is written down. */
function asDecided({ verdict, state, service, lab }: Seen): readonly string[] {
  if (verdict === "deployment-in-flight" && lab.config.policy.inFlight === "wait") {
    return service.deployments[0]?.rolloutState === "IN_PROGRESS" ? [] : ["waits for a deployment that has ended"];
  }
  // What has failed is tried again when its time has come.
  if (verdict === "started" && state?.failedAttemptKey !== undefined && state.notBefore !== undefined) return [];
  if (!REST.includes(verdict)) return [`is not at rest: ${verdict}`];
  if (verdict === "refused" && !state?.notifiedRefusals) return ["is refused, and nobody was told"];
  if (verdict !== "backing-off") return [];
  const { lastOutcome } = state ?? {};
  if (!lastOutcome || lastOutcome.outcome === "succeeded")
    return [`backs off after ${lastOutcome?.outcome ?? "nothing"}`];
  const running = service.deployments[0]?.revision.arn;
  const reverted = lastOutcome.outcome === "reverted" && running !== state?.lastGoodRevisionArn;
  return reverted ? [`was reverted, and runs ${running} instead of ${state?.lastGoodRevisionArn}`] : [];
}

/** Who is tagged is in the mesh, who is not is out of it. */
function mesh({ verdict, intent, definition, state, out }: Seen): readonly string[] {
  const sidecar = findSidecar(definition).kind;
  if (intent === "in" && !out && ["as-desired", "awaits-rollout"].includes(verdict) && sidecar !== "ours") {
    return [`is said to be ${verdict}, and has no sidecar of ours: ${sidecar}`];
  }
  if (intent === "in" && verdict === "not-enrolled") return ["is tagged, and counts as not enrolled"];
  if (intent !== "absent" && intent !== "out") return [];
  if (sidecar === "none" || verdict === "backing-off" || verdict === "refused") return [];
  return [`is not tagged and has a sidecar (${verdict}, enrolled in the ledger: ${state?.enrolled})`];
}

/** A service that is as desired trusts what its control plane has now. */
async function trust({ verdict, definition, owned, lab }: Seen): Promise<readonly string[]> {
  const sidecar = findSidecar(definition);
  if (verdict !== "as-desired" || sidecar.kind !== "ours") return [];
  const plane = controlPlaneFor(lab.config, owned);
  const facts = plane && (await lab.ledger.getMeshFacts(plane.name));
  const pinned = parseValueFrom(sidecar.secretValueFrom);
  if (!facts || !pinned?.versionId) return ["pins no version of a secret"];
  const read = await lab
    .call(owned, "GetSecretValue", { SecretId: pinned.secretArn, VersionId: pinned.versionId }, "secretsmanager")
    .catch((error: unknown) => ({ error: String(error) }));
  const value = textAt(read, "SecretString");
  if (value === undefined) return [`cannot read its token: ${textAt(read, "error")}`];
  const token = decodeToken(value);
  const same = parseBundle(token.caCert).pem === parseBundle(facts.rootCaPem).pem;
  return same ? [] : ["is said to be as desired, and trusts another root CA than its control plane has"];
}

/** What was never tagged runs what its owner made; what is out of the mesh runs it without the sidecar. */
function owner({ owned, service, definition, intent }: Seen): readonly string[] {
  const running = service.deployments[0]?.revision.arn ?? "";
  if (!owned.everTagged) {
    return owned.revisions.includes(running) ? [] : [`was never tagged and runs a revision that is not its owner's`];
  }
  if (intent === "in" || findSidecar(definition).kind !== "none") return [];
  const waiting = containersOf(definition).filter(({ dependsOn }) => JSON.stringify(dependsOn ?? "").includes(ZTUNNEL));
  return waiting.length > 0 ? ["is out of the mesh, and containers still wait for ztunnel"] : [];
}

/** All its tasks run, where its owner's application works at all. */
function tasks({ lab, owned, service, verdict, state, definition }: Seen): readonly string[] {
  const [primary] = service.deployments;
  // What is not of the autopilot's making may not start, and ECS takes its time to start again what a fault has stopped.
  if (owned.revisions.includes(primary?.revision.arn ?? "")) return [];
  const used = containersOf(definition).map((one) => textAt(one, "image") ?? "");
  // A roll while there are no tasks has nothing that it could verify.
  const untried = owned.wasIdle && used.some(isBad);
  const broken = used.includes(BAD_APPLICATION) || untried;
  if (broken || !primary || verdict === "deployment-in-flight") return [];
  const running = [...primary.tasks].filter(({ lastStatus }) => lastStatus === "RUNNING").length;
  if (running === service.desiredCount && service.deployments.length === 1) return [];
  // The way back has failed, too: told as such, and left alone.
  if (wasStranded(lab, service.arn)) return [];
  return [
    `runs ${running} of ${service.desiredCount} tasks in ${service.deployments.length} deployments of ${used.join(", ")}: ` +
      `${verdict}, last roll ${state?.lastOutcome?.outcome ?? "none"} ${state?.lastOutcome?.reason ?? ""}`,
  ];
}

/** Its last roll that changed anything could not be taken back. */
function wasStranded(lab: Lab, arn: string): boolean {
  const changes = ["succeeded", "reverted", "revert-failed"];
  const ended = lab.rolls().filter(({ service, outcome }) => service === arn && changes.includes(outcome ?? ""));
  return ended.at(-1)?.outcome === "revert-failed";
}

function isBad(image: string): boolean {
  return image === images.bad || image === images.badInOneRegion;
}

/** A service may wait for a rollout that is held, or that has ended without reaching it. */
async function explained({ lab, service }: Seen): Promise<boolean> {
  for await (const rollout of lab.ledger.listRollouts()) {
    if (!endedStatuses.includes(rollout.status)) return true;
    if (rollout.kind !== "rotate" && rollout.kind !== "reconfigure") continue;
    if (rollout.status !== "completed") return true;
    for await (const one of lab.ledger.listRolloutServices(rollout.id)) {
      if (one.serviceArn === service.arn && one.status !== "succeeded") return true;
    }
  }
  return false;
}
