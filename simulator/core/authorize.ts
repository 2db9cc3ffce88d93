import { AwsError } from "../base/aws-error.ts";
import type { Authorizer, Principal } from "./authorization.ts";
import type { Call } from "./service.ts";

/**
 * Lets a call pass whose caller is allowed to make it. Without an authorizer everybody is.
 * @throws AwsError `AccessDeniedException`, or `AccessDenied` of a query API, with AWS's words
 * @throws Error for an operation of which the simulator does not know what it needs
 */
export function authorize({ service, operation, input, context }: Call, authorizer: Authorizer | undefined): void {
  if (!authorizer) return;
  const needsOf = service.needs?.[operation];
  if (!needsOf) throw new Error(`${service.name} does not say what ${operation} needs to be allowed`);
  const principal: Principal = context.principal ?? { kind: "account", account: context.account };
  for (const need of needsOf(input, context)) {
    const refusal = authorizer.refusal(principal, need, context);
    if (refusal !== undefined) throw accessDenied(service.protocol.kind === "awsQuery", refusal);
  }
}

function accessDenied(isQuery: boolean, message: string): AwsError {
  return new AwsError(isQuery ? "AccessDenied" : "AccessDeniedException", message, isQuery ? 403 : 400);
}
