import * as z from "zod";
import type { Json, JsonObject } from "../../base/json.ts";
import type { CallContext, Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { epochSeconds } from "../input.ts";
import { ecsArn } from "./arns.ts";
import { taskDefinitionSpec } from "./container-spec.ts";
import { compatibilitiesOf, requiredAttributes, withDefaults } from "./definition-defaults.ts";
import { clientException, invalidParameter } from "./errors.ts";
import { defined, includeSchema, parseEcsInput } from "./input.ts";
import type { EcsRevision, EcsScope } from "./model.ts";
import { pageByKey } from "./paging.ts";
import type { EcsParts } from "./parts.ts";
import { registrationProblems } from "./registration/rules.ts";
import { RegistrationsUnderWay } from "./registrations-under-way.ts";
import type { EcsStore } from "./store.ts";
import { tagList, tagListSchema, withTags } from "./tag-rules.ts";

const registerSchema = z.looseObject({
  family: z.string().default(""),
  tags: tagListSchema,
});
const describeSchema = z.looseObject({ taskDefinition: z.string(), include: includeSchema });
const deregisterSchema = z.looseObject({ taskDefinition: z.string() });
const deleteSchema = z.looseObject({ taskDefinitions: z.array(z.string()) });
const MAX_DELETED = 10;
const pageMembers = { maxResults: z.number().optional(), nextToken: z.string().optional() };
const listSchema = z.looseObject({
  ...pageMembers,
  familyPrefix: z.string().optional(),
  status: z.string().default("ACTIVE"),
  sort: z.enum(enums.ecs.SortOrder).default("ASC"),
});
const familiesSchema = z.looseObject({
  ...pageMembers,
  familyPrefix: z.string().default(""),
  status: z.string().default("ALL"),
});
const LIMITS = { defaultResults: 100, maxResults: 100 };

/** RegisterTaskDefinition, DeregisterTaskDefinition, DeleteTaskDefinitions, DescribeTaskDefinition, the two lists. */
export function taskDefinitionOperations({ environment, store }: EcsParts): Record<string, Operation> {
  const { clock } = environment;
  const registrations = new RegistrationsUnderWay(environment);
  return {
    async RegisterTaskDefinition(input, context) {
      const scope = store.scope(context);
      const family = typeof input.family === "string" ? input.family : "";
      const revision = await registrations.alone(scope, family, () => register(scope, input, context, clock.now()));
      return { taskDefinition: revisionView(revision), tags: tagList(revision.tags) };
    },

    DeregisterTaskDefinition(input, context) {
      const { taskDefinition } = parseEcsInput(deregisterSchema, input);
      const revision = store.findRevision(store.scope(context), taskDefinition);
      if (!/:\d+$/.test(taskDefinition)) throw clientException("Invalid revision number. Number: ");
      if (!revision) throw clientException("The specified task definition does not exist.");
      revision.deregisteredAtMs ??= clock.now();
      return { taskDefinition: revisionView(revision) };
    },

    DeleteTaskDefinitions(input, context) {
      const { taskDefinitions } = parseEcsInput(deleteSchema, input);
      const scope = store.scope(context);
      if (taskDefinitions.length < 1 || taskDefinitions.length > MAX_DELETED) {
        throw invalidParameter(`Task definitions must have 1 to ${MAX_DELETED} elements.`);
      }
      if (!taskDefinitions.every((name) => /:\d+$/.test(name)))
        throw clientException("Invalid revision number. Number: ");
      const results = taskDefinitions.map((name) => deletion(store, scope, name, clock.now()));
      return {
        taskDefinitions: results.flatMap((result) => ("revision" in result ? [revisionView(result.revision)] : [])),
        failures: results.flatMap((result) => ("failure" in result ? [result.failure] : [])),
      };
    },

    DescribeTaskDefinition(input, context) {
      const { taskDefinition, include } = parseEcsInput(describeSchema, input);
      const revision = store.findRevision(store.scope(context), taskDefinition);
      if (!revision) throw clientException("Unable to describe task definition.");
      return {
        taskDefinition: revisionView(revision),
        ...(include?.includes("TAGS") ? { tags: tagList(revision.tags) } : {}),
      };
    },

    ListTaskDefinitions(input, context) {
      const { familyPrefix, status, sort, ...request } = parseEcsInput(listSchema, input);
      const families = store.families(store.scope(context)).sort(([a], [b]) => (a < b ? -1 : 1));
      const revisions = families
        .filter(([family]) => familyPrefix === undefined || family === familyPrefix)
        .flatMap(([, each]) => each.filter((revision) => statusOf(revision) === status));
      if (sort === "DESC") revisions.reverse();
      const numbered = revisions.map(({ arn }, index) => ({ arn, index }));
      const { items, nextToken } = pageByKey(numbered, ({ index }) => index, request, LIMITS);
      return { taskDefinitionArns: items.map(({ arn }) => arn), ...(nextToken === undefined ? {} : { nextToken }) };
    },

    ListTaskDefinitionFamilies(input, context) {
      const { familyPrefix, status, ...request } = parseEcsInput(familiesSchema, input);
      const families = store
        .families(store.scope(context))
        .filter(([family, revisions]) => {
          const active = revisions.some((revision) => statusOf(revision) === "ACTIVE");
          return family.startsWith(familyPrefix) && (status === "ALL" || active === (status === "ACTIVE"));
        })
        .map(([family]) => family)
        .sort();
      const numbered = families.map((family, index) => ({ family, index }));
      const { items, nextToken } = pageByKey(numbered, ({ index }) => index, request, LIMITS);
      return { families: items.map(({ family }) => family), ...(nextToken === undefined ? {} : { nextToken }) };
    },
  };
}

function register(scope: EcsScope, input: JsonObject, context: CallContext, nowMs: number): EcsRevision {
  const [problem] = registrationProblems(input);
  if (problem !== undefined) throw clientException(problem);
  const { family, tags } = parseEcsInput(registerSchema, input);
  const definition = withDefaults(input);
  const spec = taskDefinitionSpec(definition);
  const revisions = scope.families.get(family) ?? [];
  const number = revisions.length + 1;
  const arn = ecsArn(scope, `task-definition/${family}:${number}`);
  const revision: EcsRevision = {
    arn,
    family,
    revision: number,
    definition: {
      taskDefinitionArn: arn,
      ...definition,
      revision: number,
      requiresAttributes: requiredAttributes(definition, spec),
      compatibilities: compatibilitiesOf(spec),
      registeredAt: epochSeconds(nowMs),
      registeredBy: `arn:aws:iam::${context.account}:root`,
    },
    spec,
    tags: withTags(new Map(), tags),
    deregisteredAtMs: undefined,
    deleteRequestedAtMs: undefined,
  };
  scope.families.set(family, revisions);
  revisions.push(revision);
  return revision;
}

function statusOf({ deregisteredAtMs, deleteRequestedAtMs }: EcsRevision) {
  if (deleteRequestedAtMs !== undefined) return "DELETE_IN_PROGRESS";
  return deregisteredAtMs === undefined ? "ACTIVE" : "INACTIVE";
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html */
function deletion(store: EcsStore, scope: EcsScope, identifier: string, nowMs: number): Deletion {
  const revision = store.findRevision(scope, identifier);
  const arn = revision?.arn ?? (identifier.startsWith("arn:") ? identifier : definitionArn(scope, identifier));
  if (!revision) return { failure: { arn, reason: "The specified task definition does not exist." } };
  if (revision.deregisteredAtMs === undefined) {
    const reason =
      "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";
    return { failure: { arn, reason } };
  }
  revision.deleteRequestedAtMs ??= nowMs;
  return { revision };
}

type Deletion = { readonly revision: EcsRevision } | { readonly failure: JsonObject };

function definitionArn(scope: EcsScope, name: string): string {
  return ecsArn(scope, `task-definition/${name}`);
}

/** A revision as ECS's API returns it. */
export function revisionView(revision: EcsRevision): Json {
  const at = (ms: number | undefined) => (ms === undefined ? undefined : epochSeconds(ms));
  return defined({
    ...revision.definition,
    status: statusOf(revision),
    deregisteredAt: at(revision.deregisteredAtMs),
    deleteRequestedAt: at(revision.deleteRequestedAtMs),
  });
}
