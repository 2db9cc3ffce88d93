import { MAX_NAME_LENGTH } from "../../shared/base/vocabulary.ts";

export interface AccountRegion {
  readonly account: string;
  readonly region: string;
}

/** What names, ARNs and permissions follow from: a part of the configuration, and the stage. */
export interface AutopilotDeployment {
  readonly name: string;
  /** Undefined in the lab, which is not a stage: its resources have none in their names. */
  readonly stage: string | undefined;
  readonly home: AccountRegion;
  /** Where services run. */
  readonly targets: readonly AccountRegion[];
  readonly memberRoleName: string;
  /** ARNs of the home account's roles that speak as operators; none: all of the home account. */
  readonly operatorRoles: readonly string[];
  readonly enrollTagKey: string;
  /** What the names of the secrets with bootstrap tokens begin with. */
  readonly secretPrefix: string;
  /** Names of the roles that task definitions may have, with `*` for any rest: `ecs/*`. */
  readonly passRoles: readonly string[];
  readonly slackSecret: string;
  /** Names or ARNs. */
  readonly kubeconfigSecrets: readonly string[];
  /** Their names. */
  readonly controlPlanes: readonly string[];
  readonly eksClusters: readonly (AccountRegion & { readonly cluster: string })[];
  readonly imageParameter: string | undefined;
  /** The places of the alarms that stop a rollout. */
  readonly alarms: readonly AccountRegion[];
}

/** The ARN's partition in a region. */
export function arnPartition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** An ARN in a place; global services leave the region empty. */
export function arn(service: string, { account, region }: AccountRegion, resource: string): string {
  return `arn:${arnPartition(region)}:${service}:${region}:${account}:${resource}`;
}

/** The ARN pattern of something in any region of a place's account. */
export function anywhereArn(service: string, { account, region }: AccountRegion, resource: string): string {
  return `arn:${arnPartition(region)}:${service}:*:${account}:${resource}`;
}

/** An IAM role's ARN. IAM has no regions. */
export function roleArn({ account, region }: AccountRegion, roleName: string): string {
  return `arn:${arnPartition(region)}:iam::${account}:role/${roleName}`;
}

/** What the names of a deployment's resources begin with. */
export function namePrefix({ name, stage }: Pick<AutopilotDeployment, "name" | "stage">): string {
  return stage === undefined ? name : `${name}-${stage}`;
}

/**
 * The name of a resource of this deployment. Throws when it is longer than AWS allows: the configuration's name or the
 * stage is too long then.
 */
export function resourceName(deployment: Pick<AutopilotDeployment, "name" | "stage">, ending: string): string {
  const full = `${namePrefix(deployment)}-${ending.replaceAll("/", "-")}`;
  if (full.length <= MAX_NAME_LENGTH) return full;
  throw new Error(
    `${full} has ${full.length} characters, AWS allows ${MAX_NAME_LENGTH}: shorten the name or the stage`,
  );
}

/** The home bus's name. */
export function homeBusName(deployment: Pick<AutopilotDeployment, "name" | "stage">): string {
  return namePrefix(deployment);
}

/** The home bus's ARN: every target region forwards to it. */
export function homeBusArn(deployment: AutopilotDeployment): string {
  return arn("events", deployment.home, `event-bus/${homeBusName(deployment)}`);
}

/** The name of an alarm of this deployment: alarms may have longer names than functions. */
export function alarmName(deployment: Pick<AutopilotDeployment, "name" | "stage">, ending: string): string {
  return `${namePrefix(deployment)}-${ending}`;
}

/** The ARN of a function, by its file below `functions/`. */
export function functionArn(deployment: AutopilotDeployment, functionName: string): string {
  return arn("lambda", deployment.home, `function:${resourceName(deployment, functionName)}`);
}

/** The alias of every function: the version that the deployment has published last. */
export const LIVE_ALIAS = "live";

/** The ARN by which state machines call a function, so that one that is under way meets the version of today. */
export function liveFunctionArn(deployment: AutopilotDeployment, functionName: string): string {
  return `${functionArn(deployment, functionName)}:${LIVE_ALIAS}`;
}

/** The ARN of a state machine, by the end of its name. */
export function stateMachineArn(deployment: AutopilotDeployment, name: string): string {
  return arn("states", deployment.home, `stateMachine:${resourceName(deployment, name)}`);
}

/** The ARN of a queue in a place. */
export function queueArn(deployment: AutopilotDeployment, place: AccountRegion, name: string): string {
  return arn("sqs", place, resourceName(deployment, name));
}

/** The accounts besides the home account that have services, a control plane or an alarm, sorted. */
export function memberAccounts({ home, targets, eksClusters, alarms }: AutopilotDeployment): readonly string[] {
  const accounts = new Set([...targets, ...eksClusters, ...alarms].map(({ account }) => account));
  accounts.delete(home.account);
  return [...accounts].sort();
}

/** The regions of an account in which services run, sorted. */
export function targetRegions({ targets }: Pick<AutopilotDeployment, "targets">, account: string): readonly string[] {
  return [...new Set(targets.filter((target) => target.account === account).map(({ region }) => region))].sort();
}

/**
 * The regions of an account whose events are forwarded, sorted: where services run, and in the home account the home
 * region, which has the parameters and secrets.
 */
export function forwardedRegions(deployment: AutopilotDeployment, account: string): readonly string[] {
  const regions = new Set(targetRegions(deployment, account));
  if (account === deployment.home.account) regions.add(deployment.home.region);
  return [...regions].sort();
}
