import type { NeedsOf, NeedsTable } from "../../core/service.ts";
import { onAnything, onResource, textMember } from "../needs.ts";

/**
 * What Step Functions' operations need to be allowed. A task token names no resource.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
 */
export const stepFunctionsNeeds: NeedsTable = {
  StartExecution: on("StartExecution", "stateMachineArn"),
  DescribeExecution: on("DescribeExecution", "executionArn"),
  ListExecutions: on("ListExecutions", "stateMachineArn"),
  GetExecutionHistory: on("GetExecutionHistory", "executionArn"),
  StopExecution: on("StopExecution", "executionArn"),
  SendTaskSuccess: onAnything("states:SendTaskSuccess"),
  SendTaskFailure: onAnything("states:SendTaskFailure"),
  SendTaskHeartbeat: onAnything("states:SendTaskHeartbeat"),
  ListStateMachines: onAnything("states:ListStateMachines"),
  DescribeStateMachine: on("DescribeStateMachine", "stateMachineArn"),
};

function on(operation: string, member: string): NeedsOf {
  return onResource(`states:${operation}`, (input) => textMember(input, member));
}
