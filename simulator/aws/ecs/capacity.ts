import * as z from "zod";
import type { JsonObject } from "../../base/json.ts";
import { invalidParameter } from "./errors.ts";
import { listMember } from "./input.ts";
import type { EcsCluster } from "./model.ts";

/** AWS's own capacity providers, which every cluster may use. */
const FARGATE_PROVIDERS: readonly string[] = ["FARGATE", "FARGATE_SPOT"];

/** The provider whose tasks AWS may interrupt. */
export const SPOT = "FARGATE_SPOT";

const strategySchema = z
  .array(z.looseObject({ capacityProvider: z.string(), base: z.number().default(0), weight: z.number().default(0) }))
  .default([]);

/**
 * Where a service's tasks run: on a launch type, or by a strategy, which takes its place. A service that asks for
 * neither gets the default strategy of its cluster.
 * @throws AwsError when it asks for both, as CreateService does.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (`capacityProviderStrategy`)
 */
export function capacityOf(input: JsonObject, cluster: EcsCluster): JsonObject {
  const asked = listMember(input, "capacityProviderStrategy");
  const { launchType } = input;
  const hasType = launchType !== undefined && launchType !== null;
  if (asked.length > 0 && hasType) {
    throw invalidParameter(
      "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    );
  }
  const strategy = asked.length > 0 ? asked : listMember(cluster.settings, "defaultCapacityProviderStrategy");
  if (hasType || strategy.length === 0) return { launchType: launchType ?? "EC2" };
  readStrategy({ capacityProviderStrategy: strategy });
  return { capacityProviderStrategy: strategy };
}

/** Whether a service's tasks run on Fargate: by its launch type, or by its capacity providers. */
export function isOnFargate(settings: JsonObject): boolean {
  const strategy = readStrategy(settings);
  if (strategy.length === 0) return settings.launchType === "FARGATE";
  return strategy.every(({ capacityProvider }) => FARGATE_PROVIDERS.includes(capacityProvider));
}

/**
 * The provider of a deployment's next task: every base is filled first, then the weights decide. `undefined` for a
 * service with a launch type.
 */
export function nextProvider(
  settings: JsonObject,
  tasks: Iterable<{ readonly capacityProvider: string | undefined }>,
): string | undefined {
  const strategy = readStrategy(settings);
  const counts = new Map<string | undefined, number>();
  for (const { capacityProvider } of tasks) counts.set(capacityProvider, (counts.get(capacityProvider) ?? 0) + 1);
  const countOf = (provider: string) => counts.get(provider) ?? 0;
  const below = strategy.find(({ capacityProvider, base }) => countOf(capacityProvider) < base);
  if (below) return below.capacityProvider;
  const shares = strategy
    .filter(({ weight }) => weight > 0)
    .map(({ capacityProvider, base, weight }) => ({
      capacityProvider,
      share: (countOf(capacityProvider) - base + 1) / weight,
    }));
  const [next] = shares.sort((a, b) => a.share - b.share);
  return next?.capacityProvider ?? strategy[0]?.capacityProvider;
}

function readStrategy(settings: JsonObject): z.infer<typeof strategySchema> {
  const { success, data, error } = strategySchema.safeParse(settings.capacityProviderStrategy ?? undefined);
  if (success) return data;
  throw invalidParameter(`Invalid 'capacityProviderStrategy.${error.issues[0]?.path.join(".") ?? ""}'.`);
}
