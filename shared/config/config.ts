import * as z from "zod";
import { accountIdSchema as accountId, regionSchema as region } from "../base/arn.ts";
import { AutopilotError } from "../base/errors.ts";
import { DEFAULT_NAME, type StageKeys, stageKeys, stageRoleName } from "../base/vocabulary.ts";
import { freezeProblems } from "./freeze.ts";
import { isAllowedImage } from "./images.ts";
import { operatorReadRole } from "./names.ts";
import { rolloutPolicySchema } from "./rollout-policy.ts";
import { memoryProblems, ztunnelSchema } from "./ztunnel-settings.ts";

export { imageSchema } from "./ztunnel-settings.ts";

const roleArn = z.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "the ARN of an IAM role");
const accountSchema = z.strictObject({
  /** The role that istiod assumes in this account: the same entry as in istiod's Helm values. */
  role: roleArn,
  /** Domain of the services' default hostname. */
  domain: z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a DNS domain"),
  /** Target regions; none means the home region. */
  regions: z.array(region).default([]),
});

const controlPlaneSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "lower-case letters, digits and hyphens"),
    eks: z.strictObject({ cluster: z.string().min(1), region, account: accountId }).optional(),
    /** Name or ARN of a secret in the home region that holds a kubeconfig. */
    kubeconfigSecret: z.string().min(1).optional(),
    serves: z.array(z.strictObject({ account: accountId, regions: z.array(region).min(1) })).min(1),
  })
  .refine((plane) => (plane.eks === undefined) !== (plane.kubeconfigSecret === undefined), {
    message: "give either eks or kubeconfigSecret",
  });

/** A deployment, its verification and the revert. */
function longestRollMinutes(policy: { deploymentDeadlineMinutes: number; verifyDeadlineMinutes: number }): number {
  return 2 * policy.deploymentDeadlineMinutes + policy.verifyDeadlineMinutes;
}

/** Thirty days: what waits longer has been forgotten. */
const MAX_DELAY_MINUTES = 30 * 24 * 60;
/** A week: the longest roll takes little more than two days. */
const MAX_LEASE_MINUTES = 7 * 24 * 60;

/** True for the namespaces of Kubernetes and Istio themselves, except for the default of the namespace tag. */
export function isSystemNamespace(namespace: string): boolean {
  return /^(kube|istio)-/.test(namespace) && namespace !== "istio-system";
}

const policySchema = z
  .strictObject({
    /** A user's deployment in flight: inject at once, or let it complete first. */
    inFlight: z.enum(["replace", "wait"]).default("replace"),
    /** A deployment that has not completed by then is reverted. */
    deploymentDeadlineMinutes: z.number().min(1).max(1440).default(30),
    /** Without an event, the deployment is polled after this long. */
    pollIntervalMinutes: z.number().min(1).max(60).default(5),
    /** How many stopped tasks of the new revision mean that it failed. */
    failedTasksLimit: z.int().min(1).default(3),
    /** How long the mesh may take to discover the new tasks. */
    verifyDeadlineMinutes: z.number().min(1).max(120).default(10),
    /**
     * What proves that a task is in the mesh: its WorkloadEntry with our service account and HBONE; or, for an istiod
     * that writes these in another way, the entry alone.
     */
    verify: z.enum(["strict", "name-only"]).default("strict"),
    /** The wait before the second, third … attempt with the same attempt key; the last one repeats. */
    attemptDelaysMinutes: z.array(z.number().min(1).max(MAX_DELAY_MINUTES)).min(1).default([15, 60, 360, 1440]),
    /** Less than this left for ztunnel is a warning. */
    minHeadroom: z
      .strictObject({ cpuUnits: z.number().nonnegative(), memoryMiB: z.number().nonnegative() })
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
    maxUnenrollPerSweep: z.int().nonnegative().default(5),
    /** One sweep starts at most this many enrollments and updates; the next ones follow. */
    maxRollsPerSweep: z.int().positive().default(50),
    /** Tasks carry the service's tags, as istiod reads them there. */
    propagateTags: z.boolean().default(true),
    /** Tags that tasks start with have changed: deploy the service, tag its tasks, or leave it to a deployment. */
    taskTags: z.enum(["deploy", "tag", "next-deployment"]).default("deploy"),
    /** Waves, budget and pace of a rollout. */
    rollout: rolloutPolicySchema.prefault({}),
    /** A lease that was not released expires after this long. The default is longer than the longest roll. */
    leaseMinutes: z.number().min(1).max(MAX_LEASE_MINUTES).optional(),
  })
  .transform((policy) => ({
    ...policy,
    leaseMinutes: policy.leaseMinutes ?? Math.max(120, longestRollMinutes(policy) + 30),
  }));

const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/)
    .default(DEFAULT_NAME),
  homeRegion: region,
  homeAccount: accountId,
  accounts: z.array(accountSchema).min(1),
  /** The role that the autopilot assumes in every account but the home account. */
  memberRoleName: z
    .string()
    .regex(/^[\w+=,.@/-]+$/)
    .default(`${DEFAULT_NAME}-member`),
  /**
   * Roles of the home account whose holders run the operator's command, and of pipelines that ask as operators: nobody
   * else may, once there are any. In the other accounts they may take on a role that only reads, called as the member
   * role with `-read` behind.
   */
  operatorRoles: z.array(roleArn).default([]),
  /**
   * Names of the task and execution roles that registered task definitions may have, with their path and with `*` for
   * any rest: `ecs/*`. The default allows every role that ECS tasks can take on at all: narrow it.
   */
  passRoles: z
    .array(z.string().regex(/^[\w+=,.@/*-]+$/, "a role's name, with its path and * where anything may stand"))
    .min(1)
    .default(["*"]),
  /** Functions that talk to a control plane run here: for Kubernetes APIs with private endpoints. */
  vpc: z
    .strictObject({
      subnetIds: z
        .array(z.string().regex(/^subnet-[0-9a-f]+$/, "a subnet's id"))
        .min(1)
        .max(16),
      securityGroupIds: z
        .array(z.string().regex(/^sg-[0-9a-f]+$/, "a security group's id"))
        .min(1)
        .max(5),
    })
    .optional(),
  controlPlanes: z.array(controlPlaneSchema).min(1),
  ztunnel: ztunnelSchema,
  /**
   * A secret in the home region that holds the mesh's root CA: a new version makes the autopilot read the mesh facts at
   * once.
   */
  rootCaSecret: z.string().min(1).optional(),
  /**
   * Kubernetes namespaces that a tag may name; `*` at the end stands for any rest. A person who may tag a service may
   * bind a service account there. `kube-` and `istio-` namespaces other than `istio-system` are never allowed.
   */
  allowedNamespaces: z
    .array(
      z
        .string()
        .min(1)
        .refine((pattern) => !isSystemNamespace(pattern), "no namespace of Kubernetes or Istio but istio-system"),
    )
    .min(1),
  /** Whose credentials prove the workload's identity. Containers can only use the task role's. */
  identityRole: z.enum(["task", "execution"]).default("task"),
  /** The key of the enroll tag alone. Default: `enroll` behind the stage's prefix. */
  enrollTagKey: z.string().min(1).max(128).optional(),
  policy: policySchema.prefault({}),
  slack: z.strictObject({
    /** Secret in the home region: `{"token": "xoxb-…"}` or `{"webhookUrl": "https://hooks.slack.com/…"}`. */
    secretName: z.string().min(1),
    channel: z.string().min(1),
  }),
});

/** The configuration with its defaults, and what a stage makes of it. */
export type Config = z.output<typeof configSchema> & {
  /** Undefined in the lab. */
  readonly stage: string | undefined;
  /** The keys of the stage's tags and secrets. */
  readonly keys: StageKeys;
  readonly enrollTagKey: string;
};
export type ConfigInput = z.input<typeof configSchema>;
export type Policy = Config["policy"];
export type ControlPlaneConfig = Config["controlPlanes"][number];

/**
 * The configuration of a stage with its defaults; without a stage, of the lab. Throws `AutopilotError` `invalid-config`
 * that names every wrong field: unknown keys are errors.
 */
export function parseConfig(input: unknown, stage?: string): Config {
  return checkedConfig(input, stage, (config) => [
    ...crossReferenceProblems(config),
    ...freezeWindowProblems(config.policy),
  ]);
}

/**
 * The configuration of a deployed function. Throws as `parseConfig`, which the deployment has called, but leaves the
 * freeze windows alone: few functions read them, and the cron parser would be in the bundles of all.
 */
export function parseDeployedConfig(input: unknown, stage: string): Config {
  return checkedConfig(input, stage, crossReferenceProblems);
}

function checkedConfig(
  input: unknown,
  stage: string | undefined,
  problemsOf: (config: Config) => readonly string[],
): Config {
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) {
    throw new AutopilotError("invalid-config", z.prettifyError(parsed.error), { cause: parsed.error });
  }
  const keys = stageKeys(stage);
  const config = {
    ...parsed.data,
    stage,
    keys,
    enrollTagKey: parsed.data.enrollTagKey ?? keys.enroll,
    memberRoleName: stageRoleName(parsed.data.memberRoleName, stage),
  };
  const problems = problemsOf(config);
  if (problems.length > 0) throw new AutopilotError("invalid-config", problems.join("; "));
  return config;
}

function crossReferenceProblems(config: Config): string[] {
  const targets = targetsOf(config).map(({ account, region: name }) => `${account}/${name}`);
  return [
    ...repeated(targets).map((target) => `accounts name ${target} twice`),
    ...repeated(config.controlPlanes.map(({ name }) => name)).map((name) => `two controlPlanes are called ${name}`),
    ...servingProblems(config, new Set(targets)),
    ...leaseProblems(config.policy),
    ...operatorProblems(config),
    ...(isAllowedImage(config.ztunnel.image, config.ztunnel) ? [] : ["ztunnel.image is none of allowedImages"]),
    ...memoryProblems(config.ztunnel),
  ];
}

const MAX_ROLE_NAME_LENGTH = 64;

/** The command takes credentials of the home account alone, and IAM role names of 64 characters without their path. */
function operatorProblems(config: Config): readonly string[] {
  const { homeAccount, operatorRoles } = config;
  if (operatorRoles.length === 0) return [];
  const readRole = operatorReadRole(config).split("/").at(-1) ?? "";
  return [
    ...operatorRoles
      .filter((arn) => arn.split(":")[4] !== homeAccount)
      .map((arn) => `operatorRoles names ${arn}, which is not a role of the home account`),
    ...(readRole.length > MAX_ROLE_NAME_LENGTH
      ? [`memberRoleName is too long: ${readRole} has more than ${MAX_ROLE_NAME_LENGTH} characters`]
      : []),
  ];
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))];
}

/** A lease that expires during a roll would let a second roll start. */
function leaseProblems(policy: Policy): readonly string[] {
  const longest = longestRollMinutes(policy);
  if (policy.leaseMinutes > longest) return [];
  return [
    `policy.leaseMinutes must be more than ${longest}: a deployment, its verification and the revert take up to that`,
  ];
}

function freezeWindowProblems({ rollout }: Policy): readonly string[] {
  return rollout.freezeWindows.flatMap((window, index) =>
    freezeProblems(window).map(({ field, problem }) => `policy.rollout.freezeWindows[${index}].${field}: ${problem}`),
  );
}

function servingProblems(config: Config, targets: ReadonlySet<string>): readonly string[] {
  const problems: string[] = [];
  const served = new Map<string, string>();
  for (const plane of config.controlPlanes) {
    for (const { account, regions } of plane.serves) {
      for (const name of regions) {
        const key = `${account}/${name}`;
        if (!targets.has(key)) problems.push(`controlPlanes.${plane.name} serves ${key}, which is not in accounts`);
        const other = served.get(key);
        if (other) problems.push(`${key} is served by both ${other} and ${plane.name}`);
        served.set(key, plane.name);
      }
    }
  }
  return problems;
}

export interface Target {
  readonly account: string;
  readonly region: string;
  readonly domain: string;
}

/** Every account and region that the configuration names. */
export function targetsOf(config: Pick<Config, "accounts" | "homeRegion">): readonly Target[] {
  return config.accounts.flatMap(({ role, domain, regions }) =>
    (regions.length > 0 ? regions : [config.homeRegion]).map((name) => ({
      account: role.split(":")[4] ?? "",
      region: name,
      domain,
    })),
  );
}

/** The control plane that serves an account and region, or `undefined`. */
export function controlPlaneFor(
  config: Config,
  target: { readonly account: string; readonly region: string },
): ControlPlaneConfig | undefined {
  return config.controlPlanes.find((plane) =>
    plane.serves.some(({ account, regions }) => account === target.account && regions.includes(target.region)),
  );
}

/** Gives `autopilot.config.ts` its types; the values are checked by `parseConfig`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
