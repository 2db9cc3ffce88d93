import { AutopilotError } from "../../base/errors.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject, sha256 } from "../../base/json.ts";
import { textAt } from "../../base/json-fields.ts";
import type { DescribedTaskDefinition } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { registerable } from "../../model/task-definition.ts";
import type { EcsCalls } from "../../ports/ports.ts";

export type RegisterCalls = Pick<
  EcsCalls,
  "describeTaskDefinition" | "describeLatestTaskDefinition" | "registerTaskDefinition"
>;

/**
 * The revision that has this content: the current one when nothing differs, one of the two that the ledger
 * remembers, one that an attempt before a crash has registered, or a new one. RegisterTaskDefinition has no idempotency
 * token.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
 */
export async function registerOnce(
  definition: JsonObject,
  current: DescribedTaskDefinition,
  state: ServiceState,
  ecs: RegisterCalls,
): Promise<{ readonly taskDefinitionArn: string; readonly contentHash: string }> {
  const content = comparable(definition);
  const contentHash = sha256(content);
  const found = (taskDefinitionArn: string) => ({ taskDefinitionArn, contentHash });
  const { registered, registeredBefore, roll } = state;
  const known = [
    ...(contentOf(current) === content ? [current.taskDefinitionArn] : []),
    ...[registered, registeredBefore].flatMap((one) =>
      one?.contentHash === contentHash ? [one.taskDefinitionArn] : [],
    ),
  ];
  for (const revisionArn of new Set(known)) if (await isActive(revisionArn, ecs)) return found(revisionArn);
  if (roll?.applyStartedAt !== undefined) {
    const latest = await ecs.describeLatestTaskDefinition(textAt(definition, "family") ?? "");
    if (latest && contentOf(latest) === content) return found(latest.taskDefinitionArn);
  }
  return found(await ecs.registerTaskDefinition(definition));
}

/** False for a revision that has since been deregistered or deleted: ECS runs on with it, but deploys it no more. */
async function isActive(taskDefinitionArn: string, ecs: Pick<RegisterCalls, "describeTaskDefinition">) {
  try {
    const { raw } = await ecs.describeTaskDefinition(taskDefinitionArn, { fresh: true });
    return textAt(raw, "status") === "ACTIVE";
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "task-definition-not-found") return false;
    throw error;
  }
}

function contentOf({ raw, tags }: DescribedTaskDefinition): string {
  return comparable(registerable(raw, tags));
}

/** Canonical text without empty lists: ECS adds them to what it describes. */
function comparable(definition: JsonObject): string {
  return canonicalJson(withoutEmptyLists(definition));
}

function withoutEmptyLists(node: Json): Json {
  if (isList(node)) return node.map(withoutEmptyLists);
  if (!isJsonObject(node)) return node;
  const kept = Object.entries(node).filter(([, value]) => !(isList(value) && value.length === 0));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutEmptyLists(value)]));
}

function isList(node: Json | undefined): node is readonly Json[] {
  return Array.isArray(node);
}
