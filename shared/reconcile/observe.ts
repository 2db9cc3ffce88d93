import { clusterArnOf } from "../arn.ts";
import { type Config, controlPlaneFor } from "../config.ts";
import { decide } from "../enrollment/decide.ts";
import type { Decision, DescribedTaskDefinition, MeshFacts, ObservedService, Tags } from "../enrollment/model.ts";
import { enrollIntent } from "../enrollment/tags.ts";
import { AutopilotError } from "../errors.ts";
import type { ServiceState } from "../ledger.ts";
import type { EcsCalls } from "../ports.ts";

export interface Observed {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  readonly state: ServiceState | undefined;
  /** Absent when the service is not enrolled and never was: then nothing needs it. */
  readonly definition: DescribedTaskDefinition | undefined;
}

export type ObserveCalls = Pick<EcsCalls, "describeService" | "describeCluster" | "describeTaskDefinition">;

/**
 * What decides about a service, around its description. The task definition is read only where it can matter: the
 * service is enrolled, or the ledger says that it was or has tags of ours, or `thorough` asks for it.
 */
export async function observeDescribed(
  service: ObservedService,
  state: ServiceState | undefined,
  calls: {
    readonly ecs: Omit<ObserveCalls, "describeService">;
    readonly config: Config;
    readonly thorough?: boolean;
    /** Read the cluster's tags again instead of taking cached ones. */
    readonly fresh?: boolean;
  },
): Promise<Observed> {
  const { fresh = false } = calls;
  const { tags: clusterTags } = await calls.ecs.describeCluster(clusterArnOf(service.ref), { fresh });
  const intent = enrollIntent(service.tags, clusterTags, calls.config.enrollTagKey);
  const touched = state !== undefined && (state.enrolled || state.addedTagKeys.length > 0);
  const needed = intent !== "absent" || touched || calls.thorough === true;
  const definition = needed ? await calls.ecs.describeTaskDefinition(service.taskDefinitionArn) : undefined;
  return { service, clusterTags, state, definition };
}

/**
 * The decision for what was observed. `facts` answers for the control plane that serves the service; it is only asked
 * for a service that is to be enrolled: leaving the mesh works without a control plane. Throws `mesh-facts-missing` when
 * it has none.
 */
export async function decideObserved(
  observed: Observed,
  config: Config,
  facts: (controlPlane: string) => Promise<MeshFacts | undefined>,
): Promise<Decision> {
  const { service, clusterTags, definition, state } = observed;
  if (!definition) return { action: "none", reason: "not-enrolled", warnings: [] };
  const plane = controlPlaneFor(config, service.ref);
  const wanted = enrollIntent(service.tags, clusterTags, config.enrollTagKey) === "in";
  const known = plane && wanted ? await facts(plane.name) : undefined;
  if (plane && wanted && !known) throw new AutopilotError("mesh-facts-missing", plane.name);
  return decide({ service, clusterTags, definition, facts: known, config, state });
}
