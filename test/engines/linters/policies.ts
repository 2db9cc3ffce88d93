import * as z from "zod";
import { installRoles, labDeployment } from "../../../lab/autopilot/roles.ts";
import type { Config } from "../../../shared/config/config.ts";
import { queueArn } from "../../../stacks/definitions/deployment.ts";
import { undeliveredPolicy, undeliveredRules } from "../../../stacks/definitions/event-permissions.ts";

interface DeployedRole {
  readonly roleArn: string;
  readonly trust: unknown;
  readonly policies: readonly unknown[];
}

/** Every policy that a deployment has. */
export interface DeployedPolicies {
  readonly roles: readonly DeployedRole[];
  readonly queues: readonly { readonly name: string; readonly policy: unknown }[];
  /** Of the bus and of the functions, by ARN. */
  readonly resources: readonly { readonly arn: string; readonly policy: unknown }[];
}

/** The policies that the stacks deploy for a configuration, and that the lab enforces. */
export function deployedPolicies(config: Config): DeployedPolicies {
  const roles: DeployedRole[] = [];
  const resources: { readonly arn: string; readonly policy: unknown }[] = [];
  installRoles(
    {
      putRole: ({ roleArn, trust, policies }) => {
        roles.push({ roleArn, trust: asJson(trust), policies: policies.map(asJson) });
      },
      putResourcePolicy: (arn, policy) => {
        resources.push({ arn, policy: asJson(policy) });
      },
    },
    config,
  );
  const deployment = labDeployment(config);
  const { home } = deployment;
  const name = "undelivered";
  const rules = undeliveredRules(deployment, home);
  const queues = [{ name, policy: asJson(undeliveredPolicy(queueArn(deployment, home, name), rules)) }];
  return { roles, queues, resources };
}

/** Every policy document by a name for people: role and kind, or resource. */
export function namedPolicies({ roles, queues, resources }: DeployedPolicies): Readonly<Record<string, unknown>> {
  return Object.fromEntries([
    ...roles.flatMap(({ roleArn, trust, policies }) => [
      [`trust of ${roleArn}`, aboutRole(trust, roleArn)] as const,
      ...policies.map((policy) => [`calls of ${roleArn}`, policy] as const),
    ]),
    ...queues.map(({ name, policy }) => [`queue ${name}`, policy] as const),
    ...resources.map(({ arn, policy }) => [`resource ${arn}`, policy] as const),
  ]);
}

const trustSchema = z.object({ Statement: z.array(z.record(z.string(), z.unknown())) }).loose();

/** A trust policy that says what it is about: parliament knows only policies that do. */
function aboutRole(trust: unknown, roleArn: string): unknown {
  const document = trustSchema.parse(trust);
  return { ...document, Statement: document.Statement.map((statement) => ({ ...statement, Resource: roleArn })) };
}

function asJson(policy: unknown): unknown {
  return typeof policy === "string" ? JSON.parse(policy) : policy;
}
