import type { Place, ServiceRef } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { type Config, controlPlaneFor } from "../../shared/config/config.ts";
import { isReader, pinnedValueFrom } from "../../shared/data-plane/ztunnel/index.ts";
import { decide } from "../../shared/enrollment/decide.ts";
import type { DesiredEnrollment } from "../../shared/enrollment/decision.ts";
import { desiredDefinition } from "../../shared/enrollment/definition.ts";
import { refusals } from "../../shared/model/reason-texts.ts";
import type { Warning } from "../../shared/model/reasons.ts";
import type { ObservedService, Tags } from "../../shared/model/service.ts";
import { registerable } from "../../shared/model/task-definition.ts";
import type { Ledger, RolloutLedger } from "../../shared/ports/ledger.ts";
import type { SecretsCalls } from "../../shared/ports/ports.ts";
import { acceptableOf, newestOf } from "../../shared/trust/record.ts";

export interface InjectCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "getService" | "getMesh"> & Pick<RolloutLedger, "getFleet">;
  readonly secrets: (place: Place) => Pick<SecretsCalls, "describeSecret" | "getResourcePolicy">;
}

export interface InjectInput {
  readonly ref: ServiceRef;
  readonly tags: Tags;
  readonly clusterTags: Tags;
  /** As RegisterTaskDefinition takes it. */
  readonly definition: JsonObject;
  /** Put a placeholder where there is no secret version yet. */
  readonly dryRun: boolean;
}

export interface InjectionResult {
  readonly definition: JsonObject;
  readonly advice: readonly InjectionAdvice[];
  readonly warnings: readonly Warning[];
}

/** What to know before the definition is registered. */
export type InjectionAdvice = "unchanged" | "placeholder" | "role-not-allowed";

/**
 * The definition with the sidecar, as a roll of the service would register it. It only reads. Throws
 * `injection-refused` for a service that would be refused or is not to be enrolled, `no-control-plane`,
 * `mesh-facts-missing`, and `secret-unavailable` when the identity has no secret version of the token yet.
 */
export async function injectedFor(input: InjectInput, calls: InjectCalls): Promise<InjectionResult> {
  const { ref, tags, clusterTags, definition, dryRun } = input;
  const { config } = calls;
  const plane = controlPlaneFor(config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", `${ref.account}/${ref.region}`);
  const mesh = await calls.ledger.getMesh(plane.name);
  if (!mesh) throw new AutopilotError("mesh-facts-missing", plane.name);
  const service = unregistered(ref, tags, definition);
  const described = {
    taskDefinitionArn: service.taskDefinitionArn,
    raw: definition,
    tags: [],
  };
  const decision = decide({
    service,
    clusterTags,
    definition: described,
    facts: newestOf(mesh).facts,
    older: acceptableOf(mesh),
    fleet: await calls.ledger.getFleet(),
    config,
    state: await calls.ledger.getService(ref.serviceArn),
  });
  switch (decision.action) {
    case "refuse":
      throw new AutopilotError("injection-refused", decision.refusals.map(refusalWords).join(" "));
    case "none":
      if (decision.reason === "not-enrolled")
        throw new AutopilotError("injection-refused", `No tag ${config.enrollTagKey}=true asks for it.`);
      if (decision.reason === "fleet-unenrolled")
        throw new AutopilotError("injection-refused", "The whole fleet was taken out of the mesh.");
      return { definition: registerable(definition, []), advice: ["unchanged"], warnings: decision.warnings };
    case "unenroll":
      throw new AutopilotError("injection-refused", "The tags ask for it to leave the mesh.");
    case "enroll":
    case "update": {
      const { desired } = decision;
      const pinned = await pinnedVersion(desired, ref, dryRun, calls);
      const injected = desiredDefinition(described, desired, pinned.valueFrom, config);
      if (!injected.ok)
        throw new AutopilotError(
          "injection-refused",
          refusalWords({ reason: injected.refusal, detail: injected.detail }),
        );
      return { definition: injected.definition, advice: pinned.advice, warnings: decision.warnings };
    }
  }
}

function refusalWords({ reason, detail }: { readonly reason: keyof typeof refusals; readonly detail: string }): string {
  const { sentence, fix } = refusals[reason];
  return `${sentence} ${detail.replace(/\.$/, "")}. ${fix}`;
}

async function pinnedVersion(
  { secret, executionRoleArn }: DesiredEnrollment,
  place: Place,
  dryRun: boolean,
  { secrets }: InjectCalls,
): Promise<{ readonly valueFrom: string; readonly advice: readonly InjectionAdvice[] }> {
  const { secretName, versionId } = secret;
  const calls = secrets(place);
  const described = await calls.describeSecret(secretName);
  const usable = described && !described.scheduledForDeletion && described.versions[versionId] !== undefined;
  if (usable) {
    const readable = isReader(await calls.getResourcePolicy(described.arn), executionRoleArn);
    return { valueFrom: pinnedValueFrom(described.arn, versionId), advice: readable ? [] : ["role-not-allowed"] };
  }
  if (dryRun) {
    const { account, region } = place;
    const arn = described?.arn ?? `arn:aws:secretsmanager:${region}:${account}:secret:${secretName}-PLACEHOLDER`;
    return { valueFrom: pinnedValueFrom(arn, described ? "PLACEHOLDER" : versionId), advice: ["placeholder"] };
  }
  throw new AutopilotError(
    "secret-version-missing",
    `${secretName} in ${place.account}/${place.region}, version ${versionId.slice(0, 16)}…`,
  );
}

/** A service that would run the definition: what registering alone doesn't tell is as ECS's defaults are. */
function unregistered(ref: ServiceRef, tags: Tags, definition: JsonObject): ObservedService {
  const compatibilities = definition.requiresCompatibilities;
  const fargate = Array.isArray(compatibilities) && compatibilities.includes("FARGATE");
  const partition = ref.serviceArn.split(":")[1] ?? "aws";
  const family = typeof definition.family === "string" ? definition.family : "family";
  return {
    ref,
    status: "ACTIVE",
    createdAtMs: undefined,
    taskDefinitionArn: `arn:${partition}:ecs:${ref.region}:${ref.account}:task-definition/${family}:0`,
    deploymentController: "ECS",
    deploymentStrategy: "ROLLING",
    hasPauseHook: false,
    strategyMinutes: 0,
    schedulingStrategy: "REPLICA",
    deploymentPercents: { minimumHealthy: 100, maximum: 200 },
    placementExpressions: [],
    resourceManagement: "CUSTOMER",
    usesServiceConnect: false,
    launchType: fargate ? "FARGATE" : "EC2",
    platformVersion: fargate ? "LATEST" : undefined,
    desiredCount: 1,
    propagateTags: "SERVICE",
    deployments: [],
    tags,
  };
}
