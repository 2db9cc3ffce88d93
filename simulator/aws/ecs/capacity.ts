import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { listMember } from "./input.ts";

/** AWS's own capacity providers, which every cluster may use. */
const FARGATE_PROVIDERS: readonly string[] = ["FARGATE", "FARGATE_SPOT"];

/** The capacity providers that a service's strategy names; none for a service with a launch type. */
export function providersOf(settings: JsonObject): readonly string[] {
  return listMember(settings, "capacityProviderStrategy")
    .filter(isJsonObject)
    .flatMap(({ capacityProvider }) => (typeof capacityProvider === "string" ? [capacityProvider] : []));
}

/** Whether a service's tasks run on Fargate: by its launch type, or by its capacity providers. */
export function isOnFargate(settings: JsonObject): boolean {
  const providers = providersOf(settings);
  if (providers.length === 0) return settings.launchType === "FARGATE";
  return providers.every((provider) => FARGATE_PROVIDERS.includes(provider));
}
