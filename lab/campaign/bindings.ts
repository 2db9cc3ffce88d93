import { sameRole } from "../../shared/base/arn.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { objectAt, textAt } from "../../shared/base/json-fields.ts";
import type { Lab } from "../autopilot/lab.ts";

/** The service accounts whose role was replaced by another one, in words. */
export interface Bindings {
  readonly broken: readonly string[];
}

/** Watches the service accounts of every control plane: one that is bound gets no other role before it is unbound. */
export function watchedBindings({ controlPlanes }: Pick<Lab, "controlPlanes">): Bindings {
  const broken: string[] = [];
  for (const [name, plane] of controlPlanes) {
    plane.onWrite((before, after) => {
      if (after.kind !== "ServiceAccount" || before === undefined) return;
      const [old, present] = [roleOf(before), roleOf(after)];
      if (old === "" || present === "" || sameRole(old, present)) return;
      const account = textAt(objectAt(after, "metadata"), "name");
      broken.push(`${account} of ${name} was bound to ${old}, and is bound to ${present} now`);
    });
  }
  return { broken };
}

function roleOf(account: JsonObject): string {
  return textAt(objectAt(objectAt(account, "metadata"), "annotations"), "ecs.solo.io/role-arn") ?? "";
}
