import * as z from "zod";
import type { EcsService } from "./model.ts";

const configurationSchema = z.looseObject({
  maximumPercent: z.number().default(200),
  minimumHealthyPercent: z.number().default(100),
  deploymentCircuitBreaker: z
    .looseObject({ enable: z.boolean().default(false), rollback: z.boolean().default(false) })
    .default({ enable: false, rollback: false }),
});

type DeploymentConfiguration = z.infer<typeof configurationSchema>;

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
