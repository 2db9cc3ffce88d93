import * as z from "zod";
import type { CallContext, Operation } from "../../core/service.ts";
import { parseEcsArn } from "./arns.ts";
import { clusterNotFound, invalidParameter, resourceNotFound } from "./errors.ts";
import { parseEcsInput } from "./input.ts";
import type { EcsCluster, EcsService, EcsTask, Tags } from "./model.ts";
import type { EcsParts } from "./parts.ts";
import { announceService } from "./service-changes.ts";
import { givenTagsSchema, tagList, withTags } from "./tag-rules.ts";

const resourceSchema = z.looseObject({ resourceArn: z.string() });
const tagSchema = z.looseObject({ resourceArn: z.string(), tags: givenTagsSchema });
const untagSchema = z.looseObject({ resourceArn: z.string(), tagKeys: z.array(z.string()) });

interface Tagged {
  readonly tags: Tags;
  /** Set where a change of tags emits an event. */
  readonly resource?: EcsService | EcsCluster;
  /** The tasks and services that have these tags, or whose cluster has them: istiod asks for them all the time. */
  readonly tasks?: Iterable<EcsTask>;
  readonly services?: Iterable<EcsService>;
}

/** TagResource, UntagResource, ListTagsForResource. */
export function tagOperations(parts: EcsParts): Record<string, Operation> {
  const { events, scheduler, environment } = parts;
  const retagged = ({ tasks = [], services = [] }: Tagged) => {
    scheduler.retagged(tasks);
    for (const service of services) announceService(environment, service);
  };
  return {
    TagResource(input, context) {
      const { resourceArn, tags: added } = parseEcsInput(tagSchema, input);
      const tagged = taggedResource(parts, resourceArn, context);
      const { tags, resource } = tagged;
      const after = withTags(tags, added);
      const changed = [...after].flatMap(([key, value]) => (tags.get(key) === value ? [] : [key]));
      for (const [key, value] of after) tags.set(key, value);
      if (resource) events.tagChange(resource, changed, tags);
      retagged(tagged);
      events.apiCall("TagResource", input, null, context);
      return {};
    },

    UntagResource(input, context) {
      const { resourceArn, tagKeys } = parseEcsInput(untagSchema, input);
      const tagged = taggedResource(parts, resourceArn, context);
      const { tags, resource } = tagged;
      const removed = tagKeys.filter((key) => tags.delete(key));
      if (resource) events.tagChange(resource, removed, tags);
      retagged(tagged);
      events.apiCall("UntagResource", input, null, context);
      return {};
    },

    ListTagsForResource(input, context) {
      const { resourceArn } = parseEcsInput(resourceSchema, input);
      return { tags: tagList(taggedResource(parts, resourceArn, context).tags) };
    },
  };
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html */
function taggedResource({ store }: EcsParts, resourceArn: string, context: CallContext): Tagged {
  const arn = parseEcsArn(resourceArn);
  if (!arn) throw invalidParameter("Invalid resource arn.");
  if (arn.account !== context.account || arn.region !== context.region) throw resourceNotFound();
  const scope = store.scope(context);
  const [first = "", second] = arn.path;
  switch (arn.kind) {
    case "cluster": {
      const cluster = scope.clusters.get(first);
      if (cluster?.status !== "ACTIVE") throw clusterNotFound();
      const services = [...cluster.services.values()].filter(({ status }) => status === "ACTIVE");
      return { tags: cluster.tags, resource: cluster, tasks: cluster.tasks.values(), services };
    }
    case "service": {
      if (second === undefined) throw invalidParameter("Long arn format must be used for tagging operations");
      const service = store.findService(resourceArn);
      if (!service || service.status === "INACTIVE") throw resourceNotFound();
      return { tags: service.tags, resource: service, services: service.status === "ACTIVE" ? [service] : [] };
    }
    case "task-definition":
      return store.findRevision(scope, resourceArn) ?? notFound();
    case "task": {
      if (second === undefined) throw invalidParameter("Long arn format must be used for tagging operations");
      const cluster = scope.clusters.get(first);
      const task = (cluster && store.findTask(cluster, resourceArn)) ?? notFound();
      return { tags: task.tags, tasks: [task] };
    }
    default:
      throw invalidParameter(`The simulator has no tags of a ${arn.kind}.`);
  }
}

function notFound(): never {
  throw resourceNotFound();
}
