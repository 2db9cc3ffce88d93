import * as z from "zod";
import { sharedProblemNames } from "../model/reasons.ts";
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
