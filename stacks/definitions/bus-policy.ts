import { eventSources, HEARTBEAT } from "../../shared/base/vocabulary.ts";
import { type AutopilotDeployment, memberAccounts, resourceName, roleArn } from "./deployment.ts";
import { functions } from "./functions.ts";
import { policy } from "./permissions.ts";

const PUT = "events:PutEvents";
const NAMED = { Null: { "events:source": "false" } } as const;

/**
 * The home bus's policy. Other accounts may forward AWS's events, which nobody can forge (PutEvents refuses sources
 * that begin with `aws.`), and send the heartbeat. Who speaks as the autopilot is one of its functions' roles; who
 * speaks as an operator is of the home account, and one of the roles that the configuration names, if it names any.
 */
export function homeBusPolicy(deployment: AutopilotDeployment, busArn: string): string {
  return policy([
    ...memberAllowances(memberAccounts(deployment), busArn),
    denied("OnlyFunctionsSpeakForUs", eventSources.autopilot, busArn, {
      ArnNotEquals: { "aws:PrincipalArn": speakers(deployment) },
    }),
    denied("OnlyHomeSpeaksAsOperator", eventSources.operator, busArn, {
      StringNotEquals: { "aws:PrincipalAccount": deployment.home.account },
    }),
    ...operatorDenials(deployment, busArn),
  ]);
}

/** Where the configuration names the operators' roles, nobody else of the home account speaks as one. */
function operatorDenials({ operatorRoles }: AutopilotDeployment, busArn: string): readonly object[] {
  if (operatorRoles.length === 0) return [];
  const unless = { ArnNotEquals: { "aws:PrincipalArn": operatorRoles } };
  return [denied("OnlyOperatorsSpeakAsOperator", eventSources.operator, busArn, unless)];
}

function memberAllowances(accounts: readonly string[], busArn: string): readonly object[] {
  if (accounts.length === 0) return [];
  const common = { Effect: "Allow", Principal: { AWS: accounts }, Action: PUT, Resource: busArn } as const;
  return [
    {
      Sid: "MembersForwardAwsEvents",
      ...common,
      Condition: { "ForAllValues:StringLike": { "events:source": "aws.*" }, ...NAMED },
    },
    {
      Sid: "MembersSendHeartbeats",
      ...common,
      Condition: {
        "ForAllValues:StringEquals": { "events:source": eventSources.heartbeat, "events:detail-type": HEARTBEAT },
        Null: { "events:source": "false", "events:detail-type": "false" },
      },
    },
  ];
}

/** An explicit denial also counts for those whose own policies allow the call. */
function denied(Sid: string, source: string, busArn: string, unless: Readonly<Record<string, object>>): object {
  return {
    Sid,
    Effect: "Deny",
    Principal: "*",
    Action: PUT,
    Resource: busArn,
    Condition: { "ForAnyValue:StringEquals": { "events:source": source }, ...unless },
  };
}

/** The roles of the functions that emit events. */
function speakers(deployment: AutopilotDeployment): readonly string[] {
  return functions
    .filter(({ calls }) => calls.some(({ scope }) => scope === "bus"))
    .map(({ name }) => roleArn(deployment.home, resourceName(deployment, name)));
}
