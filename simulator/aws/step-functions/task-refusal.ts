import type { SimulatorContext } from "../../core/connections.ts";
import type { StartedBy, TaskCall } from "./run.ts";

const SERVICE = "states.amazonaws.com";

/**
 * Why a task's call is not allowed, as AWS words it; undefined when it is. A state machine calls with its own role,
 * which has to trust Step Functions.
 * https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
 */
export function taskRefusal({ authorizer, functions }: Pick<SimulatorContext, "authorizer" | "functions">) {
  return (call: TaskCall, { executionArn, stateMachineArn, roleArn }: StartedBy): string | undefined => {
    const iam = authorizer.find();
    if (!iam) return undefined;
    if (roleArn === undefined) throw new Error(`${stateMachineArn} has no role`);
    const [, , , region = "", account = ""] = stateMachineArn.split(":");
    const sessionName = executionArn.slice(executionArn.lastIndexOf(":") + 1);
    const session = { service: SERVICE, sourceArn: stateMachineArn, roleArn, sessionName };
    return iam.refusalOfRole(session, needOf(call, functions), { account, region });
  };
}

function needOf(call: TaskCall, functions: SimulatorContext["functions"]) {
  if (call.kind === "start") return { action: "states:StartExecution", resource: call.stateMachineArn };
  const { functionName } = call;
  const resource = functions.get().arnOf?.(functionName);
  if (resource === undefined) throw new Error(`the port \`functions\` does not say the ARN of ${functionName}`);
  return { action: "lambda:InvokeFunction", resource };
}
