import { eventSources } from "../../shared/base/vocabulary.ts";
import { type AutopilotDeployment, memberAccounts } from "./deployment.ts";
import { policy } from "./permissions.ts";

/**
 * The home bus's policy, which lets other accounts put events on it; `undefined` when there is no other account. AWS's
 * own events can't be forged: PutEvents refuses sources that begin with `aws.`. The autopilot's and the operators'
 * could be: the policy refuses them from elsewhere.
 */
export function homeBusPolicy(deployment: AutopilotDeployment, busArn: string): string | undefined {
  const accounts = memberAccounts(deployment);
  if (accounts.length === 0) return undefined;
  const common = { Principal: { AWS: accounts }, Action: "events:PutEvents", Resource: busArn };
  const own = [eventSources.autopilot, eventSources.operator];
  return policy([
    { Sid: "MemberAccountsForward", Effect: "Allow", ...common },
    {
      Sid: "OnlyHomeSpeaksForUs",
      Effect: "Deny",
      ...common,
      Condition: { "ForAnyValue:StringEquals": { "events:source": own } },
    },
  ]);
}
