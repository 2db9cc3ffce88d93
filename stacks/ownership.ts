import type { Context } from "./context.ts";
import { type OwnershipRecord, ownershipRecord } from "./definitions/ownership.ts";

/**
 * The record of a region that the stage acts on its services. Rules and schedules depend on it: where another stage has
 * it, the deployment fails before anything acts. It is never kept: without the stage, nobody owns the key.
 */
export function ownership(
  { deployment }: Context,
  { suffix = "", options }: { readonly suffix?: string; readonly options?: $util.CustomResourceOptions } = {},
): aws.ssm.Parameter {
  const { name, value, description }: OwnershipRecord = ownershipRecord(deployment);
  return new aws.ssm.Parameter(
    `Ownership${suffix}`,
    { name, type: "String", value, description },
    { ...options, retainOnDelete: false },
  );
}
