import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import * as z from "zod";
import type { ParameterCalls } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call, isNamed } from "./errors.ts";

const answerSchema = z.object({ Parameter: z.object({ Value: z.string() }) });

/** Systems Manager's Parameter Store in one account and region. What a call throws is an `AutopilotError`. */
export function parametersGateway(clients: PlacedClients): ParameterCalls {
  const client = clients(SSMClient);
  return {
    getParameter: (name) =>
      call(`GetParameter ${name}`, async () => {
        try {
          // Decryption matters to a SecureString alone: without it, its value is ciphertext.
          const command = new GetParameterCommand({ Name: name, WithDecryption: true });
          return answerSchema.parse(await client.send(command)).Parameter.Value;
        } catch (error) {
          if (isNamed(error, "ParameterNotFound")) return undefined;
          throw error;
        }
      }),
    putParameter: (name, value) =>
      call(`PutParameter ${name}`, async () => {
        await client.send(new PutParameterCommand({ Name: name, Value: value, Type: "String", Overwrite: true }));
      }),
  };
}
