import * as z from "zod";
import { minutes } from "./fields.ts";
import { coversAllTime, freezeProblems } from "./freeze.ts";
import { rolloutPolicySchema } from "./rollout-policy.ts";

/** A deployment, its verification and the revert. */
function longestRollMinutes(policy: { deploymentDeadlineMinutes: number; verifyDeadlineMinutes: number }): number {
  return 2 * policy.deploymentDeadlineMinutes + policy.verifyDeadlineMinutes;
}

/** Thirty days: what waits longer has been forgotten. */
const MAX_DELAY_MINUTES = 30 * 24 * 60;
/** A week: the longest roll takes little more than two days. */
const MAX_LEASE_MINUTES = 7 * 24 * 60;

/** `policy` in the configuration. */
export const policySchema = z
  .strictObject({
    /** A user's deployment in flight: inject at once, or let it complete first. */
    inFlight: z.enum(["replace", "wait"]).default("replace"),
    /** A deployment that has not completed by then is reverted. */
    deploymentDeadlineMinutes: minutes(1, 1440).default(30),
    /** Without an event, the deployment is polled after this long. */
    pollIntervalMinutes: minutes(1, 60).default(5),
    /** How many stopped tasks of the new revision mean that it failed. */
    failedTasksLimit: z.int().min(1).max(1000).default(3),
    /** How long the mesh may take to discover the new tasks. */
    verifyDeadlineMinutes: minutes(1, 120).default(10),
    /**
     * What proves that a task is in the mesh: its WorkloadEntry with our service account and HBONE; or, for an istiod
     * that writes these in another way, the entry alone.
     */
    verify: z.enum(["strict", "name-only"]).default("strict"),
    /** The wait before the second, third … attempt with the same attempt key; the last one repeats. */
    attemptDelaysMinutes: z
      .array(minutes(1, MAX_DELAY_MINUTES))
      .min(1)
      .max(20)
      .refine((delays) => delays.every((delay, i) => delay >= (delays[i - 1] ?? 0)), "none shorter than the one before")
      .default([15, 60, 360, 1440]),
    /** Less than this left for ztunnel is a warning. */
    minHeadroom: z
      .strictObject({ cpuUnits: z.number().min(0).max(1_000_000), memoryMiB: z.number().min(0).max(100_000_000) })
      .default({ cpuUnits: 64, memoryMiB: 128 }),
    /** A service whose names Kubernetes can't hold: refuse it, or enroll it with a warning. */
    nameRules: z.enum(["refuse", "warn"]).default("refuse"),
    /** EKS's own annotation of a service account, which istiod reads too: another role there is a conflict or not. */
    eksRoleAnnotation: z.enum(["conflict", "ignore"]).default("conflict"),
    /** One role on two service accounts, whose certificates carry both names: refuse, or enroll with a warning. */
    sharedRoles: z.enum(["refuse", "warn"]).default("refuse"),
    /** Enroll also services whose task definition family others use, who then get revisions with its identity. */
    sharedFamilies: z.boolean().default(false),
    /** Put existing namespaces into the mesh, too, instead of refusing services that name one outside of it. */
    labelNamespaces: z.boolean().default(false),
    /** An identity that no service has had for this long is unbound, and its secrets are scheduled for deletion. */
    identityGraceDays: z.number().min(1).max(365).default(7),
    /**
     * How long the certificates are valid that istiod gives to workloads: that long after it signs with a new root CA,
     * the old one is needed.
     */
    leafLifetimeHours: z.number().min(1).max(8760).default(24),
    /** A ztunnel image of a newer minor version than istiod: refuse it, or take it with a warning. */
    versionSkew: z.enum(["refuse", "warn"]).default("refuse"),
    /** After more changes of one value of the fleet within an hour, two writers change it: nothing is rolled out. */
    maxChangesPerHour: z.int().positive().max(60).default(3),
    maxUnenrollPerSweep: z.int().nonnegative().max(1_000_000).default(5),
    /** One sweep starts at most this many enrollments and updates; the next ones follow. */
    maxRollsPerSweep: z.int().positive().max(1_000_000).default(50),
    /** Tasks carry the service's tags, as istiod reads them there. */
    propagateTags: z.boolean().default(true),
    /** Tags that tasks start with have changed: deploy the service, tag its tasks, or leave it to a deployment. */
    taskTags: z.enum(["deploy", "tag", "next-deployment"]).default("deploy"),
    /** Waves, budget and pace of a rollout. */
    rollout: rolloutPolicySchema.prefault({}),
    /** A lease that was not released expires after this long. The default is longer than the longest roll. */
    leaseMinutes: minutes(1, MAX_LEASE_MINUTES).optional(),
  })
  .transform((policy) => ({
    ...policy,
    leaseMinutes: policy.leaseMinutes ?? Math.max(120, longestRollMinutes(policy) + 30),
  }));

export type Policy = z.output<typeof policySchema>;

/** A lease that expires during a roll would let a second roll start. A poll behind the deadline would find nothing. */
export function deadlineProblems(policy: Policy): readonly string[] {
  const longest = longestRollMinutes(policy);
  const roll = "a deployment, its verification and the revert take up to that";
  return [
    ...(policy.leaseMinutes > longest ? [] : [`policy.leaseMinutes must be more than ${longest}: ${roll}`]),
    ...(policy.pollIntervalMinutes <= policy.deploymentDeadlineMinutes
      ? []
      : [`policy.pollIntervalMinutes is longer than policy.deploymentDeadlineMinutes`]),
  ];
}

export function freezeWindowProblems({ rollout }: Policy): readonly string[] {
  const problems = rollout.freezeWindows.flatMap((window, index) =>
    freezeProblems(window).map(({ field, problem }) => `policy.rollout.freezeWindows[${index}].${field}: ${problem}`),
  );
  if (problems.length > 0 || !coversAllTime(rollout.freezeWindows)) return problems;
  return ["policy.rollout.freezeWindows cover all time: no rollout would ever begin"];
}
