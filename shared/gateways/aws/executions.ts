import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import * as z from "zod";
import type { ExecutionCalls, ExecutionStatus } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call, isNamed } from "./errors.ts";

const statusSchema = z.string();

export interface ExecutionsGateway extends ExecutionCalls {
  /** The status of the execution of this name, or `undefined` if there is none. */
  describeExecution(name: string): Promise<ExecutionStatus | undefined>;
}

/**
 * The executions of one state machine. Task tokens go to Step Functions alone: no error's text holds one.
 * A name whose execution still runs with the same input answers as if it had been started now.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function executionsGateway(
  clients: PlacedClients,
  options: { readonly stateMachineArn: string },
): ExecutionsGateway {
  const { stateMachineArn } = options;
  const client = clients(SFNClient);

  async function describeExecution(name: string): Promise<ExecutionStatus | undefined> {
    const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
    return call(`DescribeExecution ${name}`, async () => {
      try {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return statusSchema.parse(status);
      } catch (error) {
        if (isNamed(error, "ExecutionDoesNotExist")) return undefined;
        throw error;
      }
    });
  }

  return {
    describeExecution,

    startExecution: async ({ name, input }) =>
      call(`StartExecution ${name}`, async () => {
        try {
          await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
          return { started: true };
        } catch (error) {
          if (!isNamed(error, "ExecutionAlreadyExists")) throw error;
          const status = await describeExecution(name);
          if (status === undefined) throw error;
          return { started: false, status };
        }
      }),

    sendTaskSuccess: async (taskToken, output) =>
      call("SendTaskSuccess", async () => {
        try {
          await client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
          return true;
        } catch (error) {
          if (isNamed(error, "TaskDoesNotExist", "TaskTimedOut")) return false;
          throw error;
        }
      }),
  };
}
