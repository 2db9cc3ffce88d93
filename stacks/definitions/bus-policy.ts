import { type Deployment, memberAccounts } from "./deployment.ts";
import { sources } from "./event-patterns.ts";
import { policy } from "./permissions.ts";

/**
 * Who of other accounts may put events on the home bus, or `undefined` when there is no other account. AWS's own events
 * can't be forged: PutEvents refuses sources that begin with `aws.`. The autopilot's and the operators' could be, so
 * that they are refused from elsewhere.
 */
export function homeBusPolicy(deployment: Deployment, busArn: string): string | undefined {
  const accounts = memberAccounts(deployment);
  if (accounts.length === 0) return undefined;
  const common = { Principal: { AWS: accounts }, Action: "events:PutEvents", Resource: busArn };
  const own = [sources.autopilot, sources.operator];
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
