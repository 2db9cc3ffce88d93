import * as z from "zod";

/**
 * What lengthens a deployment beyond the time that its tasks need.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
 */
export const strategyShape = {
  strategy: z.string().optional(),
  bakeTimeInMinutes: z.number().optional(),
  linearConfiguration: z
    .object({ stepPercent: z.number().optional(), stepBakeTimeInMinutes: z.number().optional() })
    .optional(),
  canaryConfiguration: z.object({ canaryBakeTimeInMinutes: z.number().optional() }).optional(),
  lifecycleHooks: z
    .array(
      z.object({
        targetType: z.string().optional(),
        timeoutConfiguration: z.object({ timeoutInMinutes: z.number().optional() }).optional(),
      }),
    )
    .default([]),
};
const strategySchema = z.object(strategyShape);

/** AWS's defaults. */
const STEP_PERCENT = 10;
const STEP_BAKE_MINUTES = 6;
const CANARY_BAKE_MINUTES = 10;
const PAUSE_MINUTES = 1440;

/** The minutes that bake times, steps and hooks may add to a deployment; 0 for a plain one. */
export function strategyMinutes(configuration: z.output<typeof strategySchema>): number {
  const { bakeTimeInMinutes = 0, lifecycleHooks } = configuration;
  const hooks = lifecycleHooks.map(({ targetType, timeoutConfiguration }) => {
    return timeoutConfiguration?.timeoutInMinutes ?? (targetType === "PAUSE" ? PAUSE_MINUTES : 0);
  });
  return bakeTimeInMinutes + stepMinutes(configuration) + hooks.reduce((sum, minutes) => sum + minutes, 0);
}

function stepMinutes({ strategy, linearConfiguration, canaryConfiguration }: z.output<typeof strategySchema>): number {
  switch (strategy) {
    case "LINEAR": {
      const { stepPercent = STEP_PERCENT, stepBakeTimeInMinutes = STEP_BAKE_MINUTES } = linearConfiguration ?? {};
      return Math.ceil(100 / Math.max(1, stepPercent)) * stepBakeTimeInMinutes;
    }
    case "CANARY":
      return canaryConfiguration?.canaryBakeTimeInMinutes ?? CANARY_BAKE_MINUTES;
    default:
      return 0;
  }
}
