import { DISCOVERY_TAG } from "../base/vocabulary.ts";
import type { Refusal } from "../model/reasons.ts";
import type { ObservedService, Tags } from "../model/service.ts";

/** Of a resource, beside those of AWS. https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html */
const MOST_TAGS = 50;

/** The tags that can be added: those that only get another value, and others as long as there is room. */
export function fittingTags(present: Tags, added: Tags): Tags {
  const own = new Set(Object.keys(present).filter((key) => !key.startsWith("aws:")));
  const fits = (key: string) => own.has(key) || own.size < MOST_TAGS;
  return Object.fromEntries(Object.entries(added).filter(([key]) => fits(key) && own.add(key)));
}

/** False for a cluster that lacks the tag by which istiod finds its tasks, and has no room for it. */
export function mayBeDiscovered(clusterTags: Tags): boolean {
  if (clusterTags[DISCOVERY_TAG] === "true") return true;
  return Object.keys(fittingTags(clusterTags, { [DISCOVERY_TAG]: "true" })).length > 0;
}

/** What istiod is to read of a service or its cluster, and has no room. */
export function tagRoomRefusals(service: ObservedService, clusterTags: Tags, missing: Tags): readonly Refusal[] {
  const discovery = clusterTags[DISCOVERY_TAG] === "true" ? {} : { [DISCOVERY_TAG]: "true" };
  const full = [
    ...lacking("service", service.tags, missing),
    ...lacking(`cluster ${service.ref.clusterName}`, clusterTags, discovery),
  ];
  return full.map((detail) => ({ reason: "no-tag-room", detail }));
}

function lacking(what: string, present: Tags, wanted: Tags): readonly string[] {
  const fitting = fittingTags(present, wanted);
  const left = Object.keys(wanted).filter((key) => !Object.hasOwn(fitting, key));
  return left.length > 0 ? [`The ${what} has ${MOST_TAGS} tags, and lacks ${left.join(", ")}.`] : [];
}
