import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { listAt } from "../../../base/json-fields.ts";
import { nameOf } from "../../../model/task-definition.ts";
import { addedBefore } from "./added.ts";
import { appendedTo, claimsOf } from "./claims.ts";
import { ztunnelOf } from "./containers.ts";
import { withoutProxyEnvironment } from "./proxy-environment.ts";
import { findSidecar } from "./sidecar.ts";
import { withoutWait } from "./waiting.ts";

/**
 * The task definition without the sidecar, and without what `inject` gave the other containers: byte for byte as it
 * was. A sidecar made by hand goes the same way. What isn't known to be ours stays: an application's own proxy
 * variables, and a container that is only called ztunnel.
 */
export function remove(definition: JsonObject): JsonObject {
  const ztunnel = ztunnelOf(definition);
  const { kind } = findSidecar(definition);
  if (ztunnel === undefined || kind === "none" || kind === "foreign") return definition;
  const added = addedBefore(ztunnel);
  const claims = claimsOf(ztunnel);
  const containerDefinitions = listAt(definition, "containerDefinitions")
    .filter((container) => container !== ztunnel)
    .map((container) => {
      if (!isJsonObject(container)) return container;
      const name = nameOf(container);
      const ours = added.get(name) ?? { container: name };
      const bare = withoutProxyEnvironment(container, ours, appendedTo(name, claims)).container;
      return withoutWait(bare, ours);
    });
  return { ...definition, containerDefinitions };
}
