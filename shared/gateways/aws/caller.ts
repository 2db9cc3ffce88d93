import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import type { PlacedClients } from "./aws-clients.ts";
import { call } from "./errors.ts";

const callerSchema = z.object({ Account: z.string().min(1), Arn: z.string().min(1) });

/** Whose credentials the calls are signed with. Every principal may ask. */
export async function callerIdentity(
  clients: PlacedClients,
): Promise<{ readonly account: string; readonly arn: string }> {
  return call("GetCallerIdentity", async () => {
    const { Account: account, Arn: arn } = callerSchema.parse(
      await clients(STSClient).send(new GetCallerIdentityCommand()),
    );
    return { account, arn };
  });
}
