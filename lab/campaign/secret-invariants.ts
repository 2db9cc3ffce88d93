import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { parseValueFrom } from "../../shared/data-plane/ztunnel/index.ts";
import { secretReferences } from "../../shared/use-cases/reconcile/secret-references.ts";
import type { CampaignResult } from "./campaign-result.ts";

/** Every secret version that a service's revisions, its last good one included, pin exists and has a label. */
export async function secretViolations({ lab }: CampaignResult): Promise<readonly string[]> {
  const secrets = new Map(lab.secrets.state().map((secret) => [String(secret.ARN), secret]));
  const broken: string[] = [];
  for (const service of lab.ecs.allServices()) {
    const state = await lab.ledger.getService(service.arn);
    const lastGood = state?.enrolled ? state.lastGoodRevisionArn : undefined;
    const revisions = [
      ...service.deployments.map(({ revision }) => revision),
      ...(lastGood === undefined ? [] : [lab.ecs.findTaskDefinition(lastGood)]),
    ];
    for (const revision of revisions) {
      if (!revision) broken.push(`${service.name}: its last good revision ${lastGood} no longer exists`);
      for (const valueFrom of secretReferences(revision?.definition)) {
        const problem = problemOf(valueFrom, secrets);
        if (problem) broken.push(`${service.name}: ${revision?.arn.split("/").at(-1)} pins a version that ${problem}`);
      }
    }
  }
  return [...new Set(broken)];
}

function problemOf(valueFrom: string, secrets: ReadonlyMap<string, JsonObject>): string | undefined {
  const pinned = parseValueFrom(valueFrom);
  const secret = pinned && secrets.get(pinned.secretArn);
  if (!secret) return "belongs to no secret";
  if (secret.DeletedDate !== undefined) return "belongs to a secret that is to be deleted";
  const versions = isJsonObject(secret.VersionIdsToStages) ? secret.VersionIdsToStages : {};
  const labels = versions[pinned.versionId ?? ""];
  if (!Array.isArray(labels)) return "doesn't exist";
  return labels.length === 0 ? "has no label" : undefined;
}
