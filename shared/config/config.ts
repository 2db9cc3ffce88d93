import * as z from "zod";
import { accountIdSchema as accountId, partitionOf, regionSchema as region } from "../base/arn.ts";
import { AutopilotError } from "../base/errors.ts";
import { DEFAULT_NAME, MAX_NAME_LENGTH, type StageKeys, stageKeys, stageRoleName } from "../base/vocabulary.ts";
import {
  domainSchema,
  namespacePatternSchema,
  roleArnSchema,
  roleNameSchema,
  secretSchema,
  tagKeySchema,
  visibleSchema,
} from "./fields.ts";
import { isAllowedImage } from "./images.ts";
import { nameProblems, operatorReadRole } from "./names.ts";
import { deadlineProblems, freezeWindowProblems, policySchema } from "./policy.ts";
import { memoryProblems, ztunnelSchema } from "./ztunnel-settings.ts";

export type { Policy } from "./policy.ts";
export { imageSchema } from "./ztunnel-settings.ts";

const accountSchema = z.strictObject({
  /** The role that istiod assumes in this account: the same entry as in istiod's Helm values. */
  role: roleArnSchema,
  /** Domain of the services' default hostname. */
  domain: domainSchema,
  /** Target regions; none means the home region. */
  regions: z.array(region).default([]),
});

const controlPlaneSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "lower-case letters, digits and hyphens"),
    eks: z.strictObject({ cluster: z.string().min(1).max(100), region, account: accountId }).optional(),
    /** Name or ARN of a secret in the home region that holds a kubeconfig. */
    kubeconfigSecret: secretSchema.optional(),
    /**
     * True: where istiod's address can't be reached, the watch reads from the Kubernetes secret of its CA which root
     * signs. That secret holds the CA's key: Kubernetes can't grant a part of it.
     */
    readCaSecret: z.boolean().default(false),
    serves: z.array(z.strictObject({ account: accountId, regions: z.array(region).min(1) })).min(1),
  })
  .refine((plane) => (plane.eks === undefined) !== (plane.kubeconfigSecret === undefined), {
    message: "give either eks or kubeconfigSecret",
  });

/** True for the namespaces of Kubernetes and Istio themselves, except for the default of the namespace tag. */
export function isSystemNamespace(namespace: string): boolean {
  return /^(kube|istio)-/.test(namespace) && namespace !== "istio-system";
}

const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/)
    .default(DEFAULT_NAME),
  homeRegion: region,
  homeAccount: accountId,
  accounts: z.array(accountSchema).min(1),
  /** The role that the autopilot assumes in every account but the home account. */
  memberRoleName: roleNameSchema.default(`${DEFAULT_NAME}-member`),
  /**
   * Roles of the home account whose holders run the operator's command, and of pipelines that ask as operators: nobody
   * else may, once there are any. In the other accounts they may take on a role that only reads, called as the member
   * role with `-read` behind.
   */
  operatorRoles: z.array(roleArnSchema).default([]),
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
  rootCaSecret: secretSchema.optional(),
  /**
   * Kubernetes namespaces that a tag may name; `*` at the end stands for any rest. A person who may tag a service may
   * bind a service account there. `kube-` and `istio-` namespaces other than `istio-system` are never allowed.
   */
  allowedNamespaces: z
    .array(
      namespacePatternSchema.refine(
        (pattern) => !isSystemNamespace(pattern),
        "no namespace of Kubernetes or Istio but istio-system",
      ),
    )
    .min(1),
  /** Whose credentials prove the workload's identity. Containers can only use the task role's. */
  identityRole: z.enum(["task", "execution"]).default("task"),
  /** The key of the enroll tag alone. Default: `enroll` behind the stage's prefix. */
  enrollTagKey: tagKeySchema.optional(),
  policy: policySchema.prefault({}),
  slack: z.strictObject({
    /** Secret in the home region: `{"token": "xoxb-…"}` or `{"webhookUrl": "https://hooks.slack.com/…"}`. */
    secretName: secretSchema,
    channel: visibleSchema,
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
export type ControlPlaneConfig = Config["controlPlanes"][number];

/**
 * The configuration of a stage with its defaults; without a stage, of the lab. Throws `AutopilotError` `invalid-config`
 * that names every wrong field: unknown keys are errors.
 */
export function parseConfig(input: unknown, stage?: string): Config {
  return checkedConfig(input, stage, (config) => [
    ...crossReferenceProblems(config),
    ...nameProblems(config, config.stage),
    ...partitionProblems(config),
    ...enrollTagProblems(config),
    ...freezeWindowProblems(config.policy),
  ]);
}

/**
 * The configuration of a deployed function. Throws as `parseConfig` where a field is wrong by itself. The deployment
 * has called `parseConfig`: how the fields fit together, and cron expressions, are not checked again, since the checks
 * would be in the bundles of all functions.
 */
export function parseDeployedConfig(input: unknown, stage: string): Config {
  return checkedConfig(input, stage, () => []);
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
    ...deadlineProblems(config.policy),
    ...operatorProblems(config),
    ...(isAllowedImage(config.ztunnel.image, config.ztunnel) ? [] : ["ztunnel.image is none of allowedImages"]),
    ...memoryProblems(config.ztunnel),
  ];
}

/** Roles are taken on, and events forwarded, within one partition alone. */
function partitionProblems(config: Config): readonly string[] {
  const home = partitionOf(config.homeRegion);
  return config.accounts.flatMap(({ role, regions }, index) => [
    ...(role.split(":")[1] === home ? [] : [`accounts[${index}].role is not of the home region's partition, ${home}`]),
    ...regions
      .filter((name) => partitionOf(name) !== home)
      .map((name) => `accounts[${index}].regions: ${name} is not of the home region's partition, ${home}`),
  ]);
}

/** A tag has one meaning. */
function enrollTagProblems({ enrollTagKey, keys }: Config): readonly string[] {
  const others: readonly string[] = Object.values(keys.tags);
  if (!others.includes(enrollTagKey) && !enrollTagKey.startsWith("ecs.solo.io/")) return [];
  return [`enrollTagKey is ${enrollTagKey}, a tag that means something else`];
}

/** The command takes credentials of the home account alone, and IAM role names of 64 characters without their path. */
function operatorProblems(config: Config): readonly string[] {
  const { homeAccount, operatorRoles } = config;
  if (operatorRoles.length === 0) return [];
  const readRole = operatorReadRole(config).split("/").at(-1) ?? "";
  return [
    ...operatorRoles
      .filter((arn) => arn.split(":")[4] !== homeAccount)
      .map((arn) => `operatorRoles names ${arn}, which is not a role of the home account`),
    ...(readRole.length > MAX_NAME_LENGTH
      ? [`memberRoleName is too long: ${readRole} has more than ${MAX_NAME_LENGTH} characters`]
      : []),
  ];
}

function repeated(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
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
