import { DISCOVERY_TAG, eventSources, ledgerMarkName, resourceEndings, tagKeys } from "../../shared/base/vocabulary.ts";
import {
  type AccountRegion,
  type AutopilotDeployment,
  anywhereArn,
  arn,
  homeBusArn,
  memberAccounts,
  namePrefix,
  resourceName,
  roleArn,
  stateMachineArn,
  targetRegions,
} from "./deployment.ts";
import type { FunctionDefinition } from "./function-definition.ts";
import { functions } from "./functions.ts";
import { type CallScope, type Calls, type HomeScope, isTargetScope, type TargetScope } from "./scopes.ts";

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** A statement of an IAM policy that allows something. */
export interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
}

/** The resources that a scope stands for, and the conditions. Without resources there is nothing to allow. */
interface Grant {
  readonly resources: readonly string[];
  readonly condition?: Condition;
}

/** Where services run, which control planes and alarms need not be. */
type ServiceScope = Exclude<TargetScope, "alarms" | "eks-clusters">;

/** The tags that the autopilot adds to a service where they are missing, and removes again. */
const ownServiceTagKeys = [tagKeys.namespace, tagKeys.serviceAccount, tagKeys.ports];

/** The tags of running tasks that the autopilot corrects where `policy.taskTags` asks for it. */
const taskTagKeys = [...ownServiceTagKeys, tagKeys.hostname];

/** Names of secrets end in a hyphen and six characters of Secrets Manager's own. */
const SECRET_SUFFIX = "-??????";

/**
 * The service authorization reference lists the resources of each call. A call without one can only be allowed on `*`,
 * and is bound to the account's regions instead.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
 */
const targetGrants: Readonly<
  Record<ServiceScope, (places: readonly AccountRegion[], deployment: AutopilotDeployment) => Grant>
> = {
  services: (places) => regional("ecs", places, "service/*"),
  // AWS's reference names the service for these calls; its own example of a policy has both.
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment-permissions.html
  "service-deployments": (places) => {
    const { resources } = regional("ecs", places, "service/*");
    const deployments = regional("ecs", places, "service-deployment/*");
    return { ...deployments, resources: [...resources, ...deployments.resources] };
  },
  clusters: (places) => regional("ecs", places, "cluster/*"),
  tasks: (places) => regional("ecs", places, "task/*"),
  "in-a-cluster": (places) => ({
    resources: anything(places),
    condition: { ArnLike: { "ecs:cluster": places.map((place) => arn("ecs", place, "cluster/*")) } },
  }),
  "region-wide": regionWide,
  "task-definitions": (places) => regional("ecs", places, "task-definition/*"),
  "registered-task-definitions": (places) =>
    regional("ecs", places, "task-definition/*", {
      StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" },
    }),
  "passed-roles": (places, { passRoles }) => ({
    resources: [...new Set(places.flatMap((place) => passRoles.map((name) => roleArn(place, name))))],
    condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
  }),
  "service-tags": (places) => regional("ecs", places, "service/*", onlyTagKeys(ownServiceTagKeys)),
  "cluster-tags": (places) => regional("ecs", places, "cluster/*", onlyTagKeys([DISCOVERY_TAG])),
  "task-tags": (places) => regional("ecs", places, "task/*", onlyTagKeys(taskTagKeys)),
  "token-secrets": (places, deployment) => regional("secretsmanager", places, tokenSecrets(deployment)),
  "token-secret-policies": (places, deployment) =>
    regional("secretsmanager", places, tokenSecrets(deployment), {
      Bool: { "secretsmanager:BlockPublicPolicy": "true" },
    }),
};

const homeGrants: Readonly<Record<HomeScope, (deployment: AutopilotDeployment) => Grant>> = {
  bus: (deployment) => ({
    resources: [homeBusArn(deployment)],
    condition: {
      "ForAllValues:StringEquals": { "events:source": eventSources.autopilot },
      Null: { "events:source": "false" },
    },
  }),
  "image-parameter": ({ home, imageParameter }) => ({
    resources: imageParameter ? [arn("ssm", home, `parameter/${imageParameter.replace(/^\//, "")}`)] : [],
  }),
  "kubeconfig-secrets": ({ home, kubeconfigSecrets }) => ({
    resources: kubeconfigSecrets.map((nameOrArn) => secretArn(home, nameOrArn)),
  }),
  ledger: (deployment) => ({
    resources: [arn("dynamodb", deployment.home, `table/${resourceName(deployment, resourceEndings.ledger)}`)],
  }),
  "ledger-mark": (deployment) => ({
    resources: [arn("ssm", deployment.home, `parameter${ledgerMarkName(namePrefix(deployment))}`)],
  }),
  "member-roles": (deployment) => ({
    resources: memberAccounts(deployment).map((account) =>
      roleArn({ account, region: deployment.home.region }, deployment.memberRoleName),
    ),
    condition: { StringEquals: { "sts:ExternalId": deployment.name } },
  }),
  "roll-fleet": (deployment) => ({ resources: [stateMachineArn(deployment, resourceEndings.rollFleet)] }),
  "roll-fleet-executions": (deployment) => ({ resources: executionsOf(deployment, resourceEndings.rollFleet) }),
  "roll-service": (deployment) => ({ resources: [stateMachineArn(deployment, resourceEndings.rollService)] }),
  "roll-service-executions": (deployment) => ({ resources: executionsOf(deployment, resourceEndings.rollService) }),
  "slack-secret": ({ home, slackSecret }) => ({ resources: [secretArn(home, slackSecret)] }),
  // A token names no resource:
  // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
  "task-tokens": () => ({ resources: ["*"] }),
};

function tokenSecrets({ secretPrefix }: AutopilotDeployment): string {
  return `secret:${secretPrefix}*`;
}

/** More regions than these become a condition: a role's policies have 10,240 characters in all. */
const MOST_REGIONS_BY_ARN = 6;

/** A resource in every region in which an account has services. */
function regional(
  service: string,
  places: readonly AccountRegion[],
  resource: string,
  condition: Condition = {},
): Grant {
  const conditioned = Object.keys(condition).length > 0 ? { condition } : {};
  const [first] = places;
  if (!first || places.length <= MOST_REGIONS_BY_ARN) {
    return { resources: places.map((place) => arn(service, place, resource)), ...conditioned };
  }
  const inRegions = { "aws:RequestedRegion": places.map(({ region }) => region) };
  return {
    resources: [anywhereArn(service, first, resource)],
    condition: { ...condition, StringEquals: { ...condition.StringEquals, ...inRegions } },
  };
}

function anything(places: readonly AccountRegion[]): readonly string[] {
  return places.length > 0 ? ["*"] : [];
}

function regionWide(places: readonly AccountRegion[]): Grant {
  const regions = [...new Set(places.map(({ region }) => region))];
  return { resources: anything(places), condition: { StringEquals: { "aws:RequestedRegion": regions } } };
}

/** `ForAllValues` alone would also allow a call that names no key. */
function onlyTagKeys(keys: readonly string[]): Condition {
  return { "ForAllValues:StringEquals": { "aws:TagKeys": keys }, Null: { "aws:TagKeys": "false" } };
}

function secretArn(place: AccountRegion, nameOrArn: string): string {
  if (nameOrArn.startsWith("arn:")) return nameOrArn;
  return arn("secretsmanager", place, `secret:${nameOrArn}${SECRET_SUFFIX}`);
}

/** The ARNs of a state machine's executions. */
export function executionsOf(deployment: AutopilotDeployment, name: string): readonly string[] {
  return [arn("states", deployment.home, `execution:${resourceName(deployment, name)}:*`)];
}

function eksGrant({ eksClusters }: AutopilotDeployment, account: string): Grant {
  const own = eksClusters.filter((one) => one.account === account);
  return { resources: own.map((one) => arn("eks", one, `cluster/${one.cluster}`)) };
}

/**
 * The policy names alarms anywhere, a service's tag those of the service's own account and region. Only a caller that
 * may describe all alarms gets composite ones:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
function alarmGrant({ alarms, targets }: AutopilotDeployment, account: string): Grant {
  const places = [...alarms, ...targets].filter((one) => one.account === account);
  return regionWide(places);
}

function targetGrant(scope: TargetScope, deployment: AutopilotDeployment, account: string): Grant {
  if (scope === "alarms") return alarmGrant(deployment, account);
  if (scope === "eks-clusters") return eksGrant(deployment, account);
  const places = targetRegions(deployment, account).map((region) => ({ account, region }));
  return targetGrants[scope](places, deployment);
}

function statements(calls: readonly Calls[], grantOf: (scope: CallScope) => Grant): readonly Statement[] {
  return merged(calls).flatMap(({ scope, actions }): Statement[] => {
    const { resources, condition } = grantOf(scope);
    if (resources.length === 0) return [];
    return [{ Effect: "Allow", Action: actions, Resource: resources, ...(condition && { Condition: condition }) }];
  });
}

/** One entry per scope, in the order of the first ones. */
function merged(calls: readonly Calls[]): readonly Calls[] {
  const byScope = Map.groupBy(calls, ({ scope }) => scope);
  return [...byScope].map(([scope, entries]) => ({
    scope,
    actions: [...new Set(entries.flatMap(({ actions }) => actions))].sort(),
  }));
}

/** What a function's role may do on AWS besides its own logs and dead letters. */
export function functionStatements(
  { calls }: FunctionDefinition,
  deployment: AutopilotDeployment,
): readonly Statement[] {
  return statements(calls, (scope) =>
    isTargetScope(scope) ? targetGrant(scope, deployment, deployment.home.account) : homeGrants[scope](deployment),
  );
}

/** What the member role of an account may do: what any function does in target accounts. */
export function memberStatements(account: string, deployment: AutopilotDeployment): readonly Statement[] {
  const calls = functions.flatMap((one) => one.calls).filter(({ scope }) => isTargetScope(scope));
  return statements(calls, (scope) =>
    isTargetScope(scope) ? targetGrant(scope, deployment, account) : { resources: [] },
  );
}

/** The roles that may assume the member roles, sorted: those of functions that call other accounts. */
export function memberRoleUsers(deployment: AutopilotDeployment): readonly string[] {
  const users = functions.filter(({ calls }) => calls.some(({ scope }) => scope === "member-roles"));
  return users.map(({ name }) => roleArn(deployment.home, resourceName(deployment, name))).sort();
}

/** The trust policy of the member roles, and of the operators' read roles: these roles, by the external id. */
export function roleTrust(trusted: readonly string[], externalId: string): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: trusted },
        Condition: { StringEquals: { "sts:ExternalId": externalId } },
      },
    ],
  };
}

/**
 * The roles that a control plane in this account must let in, sorted: those of the functions that call it, or the
 * member role that they assume in other accounts.
 */
export function kubernetesPrincipals(deployment: AutopilotDeployment, account: string): readonly string[] {
  const { home, memberRoleName } = deployment;
  if (account !== home.account) return [roleArn({ account, region: home.region }, memberRoleName)];
  const users = functions.filter(({ kubernetes }) => kubernetes);
  return users.map(({ name }) => roleArn(home, resourceName(deployment, name))).sort();
}

/** Lets Lambda alone assume a role, for the account's functions. SST's own default also trusts the whole account. */
export function lambdaTrust({ home }: AutopilotDeployment): string {
  return serviceTrust("lambda.amazonaws.com", home.account);
}

/**
 * Lets an AWS service assume a role on behalf of this account's resources alone, or of those that an ARN pattern names:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function serviceTrust(service: string, account: string, sourceArn?: string): string {
  return policy([
    {
      Effect: "Allow",
      Action: "sts:AssumeRole",
      Principal: { Service: service },
      Condition: {
        StringEquals: { "aws:SourceAccount": account },
        ...(sourceArn && { ArnLike: { "aws:SourceArn": sourceArn } }),
      },
    },
  ]);
}

/** A policy document of these statements. */
export function policy(statementList: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statementList });
}
