import * as z from "zod";
import { enums } from "../enums.ts";
import type { EcsService } from "./model.ts";

const ONE_DAY_MINUTES = 1440;
const hookSchema = z.looseObject({
  targetType: z.string().default("AWS_LAMBDA"),
  hookTargetArn: z.string().default(""),
  lifecycleStages: z.array(z.string()).default([]),
  timeoutConfiguration: z
    .looseObject({
      timeoutInMinutes: z.number().default(ONE_DAY_MINUTES),
      action: z.enum(enums.ecs.DeploymentLifecycleHookAction).default("ROLLBACK"),
    })
    .default({ timeoutInMinutes: ONE_DAY_MINUTES, action: "ROLLBACK" }),
});
export type LifecycleHook = z.infer<typeof hookSchema>;

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html */
export const configurationSchema = z.looseObject({
  strategy: z.enum(enums.ecs.DeploymentStrategy).default("ROLLING"),
  bakeTimeInMinutes: z.number().default(0),
  linearConfiguration: z
    .looseObject({ stepPercent: z.number().positive().default(10), stepBakeTimeInMinutes: z.number().default(6) })
    .default({ stepPercent: 10, stepBakeTimeInMinutes: 6 }),
  canaryConfiguration: z
    .looseObject({ canaryBakeTimeInMinutes: z.number().default(10) })
    .default({ canaryBakeTimeInMinutes: 10 }),
  lifecycleHooks: z.array(hookSchema).default([]),
  alarms: z
    .looseObject({
      alarmNames: z.array(z.string()).default([]),
      enable: z.boolean().default(false),
      rollback: z.boolean().default(false),
    })
    .default({ alarmNames: [], enable: false, rollback: false }),
  maximumPercent: z.number().default(200),
  minimumHealthyPercent: z.number().default(100),
  deploymentCircuitBreaker: z
    .looseObject({ enable: z.boolean().default(false), rollback: z.boolean().default(false) })
    .default({ enable: false, rollback: false }),
});

export type DeploymentConfiguration = z.infer<typeof configurationSchema>;

/** A service's deployment configuration with AWS's defaults. */
export function deploymentConfiguration(service: EcsService): DeploymentConfiguration {
  return configurationSchema.parse(service.settings.deploymentConfiguration ?? {});
}

/** Whether failing deployments of a service are failed, and rolled back. */
export function circuitBreaker(service: EcsService): { enable: boolean; rollback: boolean } {
  return deploymentConfiguration(service).deploymentCircuitBreaker;
}

/**
 * The failed tasks in a row that fail a deployment: half of the desired count, at least 3, at most 200.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export function breakerThreshold({ desiredCount }: EcsService): number {
  return Math.min(200, Math.max(3, Math.ceil(desiredCount / 2)));
}
