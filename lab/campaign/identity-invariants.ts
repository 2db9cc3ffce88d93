import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { objectAt, textAt } from "../../shared/base/json-fields.ts";
import { controlPlaneFor } from "../../shared/config/config.ts";
import { decodeToken, findSidecar, parseValueFrom } from "../../shared/data-plane/ztunnel/index.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { label, type OwnedService } from "./actors.ts";
import type { CampaignResult } from "./campaign-result.ts";

/**
 * What a service in the mesh needs outside of its task definition: its service account is bound to its role, and its
 * execution role may read its secret.
 */
export async function identityViolations({ lab, actors }: CampaignResult): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const owned of actors.existing()) {
    const service = lab.ecs.findService(arnOf(owned));
    const state = service && (await lab.ledger.getService(service.arn));
    const definition = service?.deployments[0]?.revision.definition ?? {};
    const sidecar = findSidecar(definition);
    if (state?.enrolled !== true || sidecar.kind !== "ours") continue;
    const problems = [
      ...(await unbound(lab, owned, definition, sidecar.secretValueFrom)),
      ...unreadable(lab, definition, sidecar.secretValueFrom),
    ];
    broken.push(...problems.map((what) => `${label(owned)} is in the mesh, and ${what}`));
  }
  return broken;
}

function unreadable(lab: Lab, definition: JsonObject, valueFrom: string): readonly string[] {
  const secretArn = parseValueFrom(valueFrom)?.secretArn;
  const secret = lab.secrets.state().find(({ ARN }) => ARN === secretArn);
  const reader = textAt(definition, "executionRoleArn");
  if (!secret || reader === undefined) return [];
  const isNamed = JSON.stringify(secret.ResourcePolicy ?? "").includes(`"${reader}\\"`);
  return isNamed ? [] : ["its execution role is not a reader of its secret"];
}

async function unbound(
  lab: Lab,
  owned: OwnedService,
  definition: JsonObject,
  valueFrom: string,
): Promise<readonly string[]> {
  const plane = lab.controlPlanes.get(controlPlaneFor(lab.config, owned)?.name ?? "");
  const { secretArn, versionId } = parseValueFrom(valueFrom) ?? {};
  if (!plane || !secretArn || !versionId) return [];
  const read = await lab
    .call(owned, "GetSecretValue", { SecretId: secretArn, VersionId: versionId }, "secretsmanager")
    .catch((): JsonObject => ({}));
  const value = textAt(read, "SecretString");
  if (value === undefined) return [];
  const { namespace, serviceAccount } = decodeToken(value);
  const account = plane.state().find((object) => {
    const metadata = objectAt(object, "metadata");
    return object.kind === "ServiceAccount" && metadata.namespace === namespace && metadata.name === serviceAccount;
  });
  const annotations = account && objectAt(objectAt(account, "metadata"), "annotations");
  const bound = isJsonObject(annotations) ? textAt(annotations, "ecs.solo.io/role-arn") : undefined;
  const role = textAt(definition, "taskRoleArn");
  if (bound === role) return [];
  return [`its service account ${namespace}/${serviceAccount} is bound to ${bound ?? "no role"}, not to ${role}`];
}
