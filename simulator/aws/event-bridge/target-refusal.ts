import type { CallPlace } from "../../core/authorization.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsEvent } from "../../core/event.ts";
import { type CompiledRule, isBusArn } from "./buses.ts";
import { putEventsNeed } from "./needs.ts";

const SERVICE = "events.amazonaws.com";

/**
 * Why a rule's target does not take an event, as AWS words it; undefined when it does. A function is invoked by what
 * its own policy allows EventBridge for the rule, a bus gets the event by the rule's role.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
 */
export function targetRefusal(
  { authorizer, functions }: Pick<SimulatorContext, "authorizer" | "functions">,
  delivery: {
    readonly event: AwsEvent;
    readonly rule: CompiledRule;
    readonly target: string;
    readonly place: CallPlace;
  },
): string | undefined {
  const iam = authorizer.find();
  if (!iam) return undefined;
  const { event, rule, target, place } = delivery;
  const principal = { kind: "service", service: SERVICE, sourceArn: rule.arn } as const;
  if (!isBusArn(target)) {
    const resource = functions.get().arnOf?.(target);
    if (resource === undefined) throw new Error(`the port \`functions\` does not say the ARN of ${target}`);
    return iam.refusal(principal, { action: "lambda:InvokeFunction", resource }, place);
  }
  const need = putEventsNeed(target, [{ source: event.source, detailType: event["detail-type"] }]);
  if (rule.roleArn === undefined) return iam.refusal(principal, need, place);
  const session = { service: SERVICE, sourceArn: rule.arn, roleArn: rule.roleArn, sessionName: "event" };
  return iam.refusalOfRole(session, need, place);
}
