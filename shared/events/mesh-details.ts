import * as z from "zod";
import { orphanReasonNames, sharedProblemNames } from "../model/reasons.ts";
import { count, text, version } from "./fields.ts";

/* Details of the events about a control plane's view of the mesh. */

/** `Mesh Gateway Ambiguous`: several Services expose istiod, and one of them is taken. */
export const meshGatewayAmbiguousDetail = () =>
  z.strictObject({ version, controlPlane: z.string(), istiodUrl: z.string(), others: z.array(z.string()).min(1) });

/** `Mesh Shape Unknown`: no WorkloadEntry has a mark that proves a task. */
export const meshShapeUnknownDetail = () =>
  z.strictObject({ version, controlPlane: z.string(), mark: z.string(), seen: text });

/** `Mesh Identity Warned`: something is wrong with what services in the mesh share. */
export const meshIdentityWarnedDetail = () =>
  z.strictObject({
    version,
    controlPlane: z.string(),
    code: z.enum(sharedProblemNames),
    detail: text,
    /** Some of the services. */
    services: z.array(z.string()),
  });

/** `Services Orphaned`: no sweep reads services in the mesh any more; or an operator has released them. */
export const servicesOrphanedDetail = () =>
  z.strictObject({
    version,
    state: z.enum(["orphaned", "released"]),
    services: count,
    /** Some of them, and why no sweep reads them. */
    named: z.array(z.strictObject({ serviceArn: z.string(), why: z.enum(orphanReasonNames) })).min(1),
    by: text.optional(),
  });

/** `Ledger Restored`: the ledger was emptied or restored to an earlier time; or what runs is adopted since. */
export const ledgerRestoredDetail = () =>
  z.strictObject({
    version,
    state: z.enum(["noticed", "adopted"]),
    cause: z.enum(["emptied", "restored"]),
    since: z.iso.datetime(),
    /** The image that is taken as released, which most services run; and the one that is asked for. */
    image: text.optional(),
    wished: text.optional(),
    /** How many services differ from it, and the rollout that is proposed for them. */
    differing: count.optional(),
    rolloutId: z.string().optional(),
  });

/** `Fleet Contested`: two writers change in turns what the fleet should have. Nothing is rolled out until they rest. */
export const fleetContestedDetail = () =>
  z.strictObject({
    version,
    of: z.enum(["image", "settings", "mesh-facts"]),
    controlPlane: z.string().optional(),
    /** Both values, the newest last. */
    values: z.array(text).min(1).max(2),
    /** Within an hour. */
    changes: count,
  });
