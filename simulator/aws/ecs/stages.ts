import type { DeploymentConfiguration } from "./circuit-breaker.ts";

/** A stage of a deployment and how long it lasts beside its hooks, in milliseconds. */
export interface Stage {
  readonly name: string;
  readonly waitMs: number;
}

const MINUTE_MS = 60_000;
const at = (name: string, waitMs = 0): Stage => ({ name, waitMs });

/** What comes before the new revision's tasks are started; a rolling deployment has no such stages. */
export function stagesBeforeScaleUp({ strategy }: DeploymentConfiguration): readonly Stage[] {
  return strategy === "ROLLING" ? [] : [at("PRE_SCALE_UP")];
}

/**
 * What comes once the new revision's tasks are all healthy, until those of the old one are stopped. Rolling deployments
 * have stopped them by then and only bake.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
 */
export function stagesAfterScaleUp(configuration: DeploymentConfiguration): readonly Stage[] {
  const bake = at("BAKE_TIME", configuration.bakeTimeInMinutes * MINUTE_MS);
  if (configuration.strategy === "ROLLING") return [bake];
  return [
    at("POST_SCALE_UP"),
    at("TEST_TRAFFIC_SHIFT"),
    at("POST_TEST_TRAFFIC_SHIFT"),
    at("PRE_PRODUCTION_TRAFFIC_SHIFT"),
    at("PRODUCTION_TRAFFIC_SHIFT", shiftMinutes(configuration) * MINUTE_MS),
    at("POST_PRODUCTION_TRAFFIC_SHIFT"),
    bake,
  ];
}

/** How long production traffic takes to move: a linear one waits after each step but the last. */
function shiftMinutes({ strategy, linearConfiguration, canaryConfiguration }: DeploymentConfiguration): number {
  switch (strategy) {
    case "LINEAR": {
      const steps = Math.ceil(100 / linearConfiguration.stepPercent);
      return (steps - 1) * linearConfiguration.stepBakeTimeInMinutes;
    }
    case "CANARY":
      return canaryConfiguration.canaryBakeTimeInMinutes;
    case "BLUE_GREEN":
    case "ROLLING":
      return 0;
  }
}
