import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import * as z from "zod";
import type { AlarmCalls, DescribedAlarm } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call } from "./errors.ts";

const NAMES_PER_CALL = 100;

const alarms = z
  .array(
    z
      .object({
        AlarmName: z.string(),
        StateValue: z.string(),
        StateReason: z.string().default(""),
      })
      .transform(({ AlarmName, StateValue, StateReason }): DescribedAlarm => {
        return { name: AlarmName, state: StateValue, reason: StateReason };
      }),
  )
  .default([]);
const answerSchema = z.object({ MetricAlarms: alarms, CompositeAlarms: alarms, NextToken: z.string().optional() });

/** CloudWatch's alarms in one account and region. What a call throws is an `AutopilotError`. */
export function alarmsGateway(clients: PlacedClients): AlarmCalls {
  const client = clients(CloudWatchClient);

  async function describeSome(names: readonly string[]): Promise<readonly DescribedAlarm[]> {
    const what = `DescribeAlarms ${names.slice(0, 3).join(" ")}${names.length > 3 ? " …" : ""}`;
    const found: DescribedAlarm[] = [];
    let token: string | undefined;
    do {
      const { MetricAlarms, CompositeAlarms, NextToken } = await call(what, async () => {
        const command = new DescribeAlarmsCommand({
          AlarmNames: [...names],
          // Without it, CloudWatch leaves composite alarms out.
          AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
          MaxRecords: NAMES_PER_CALL,
          NextToken: token,
        });
        return answerSchema.parse(await client.send(command));
      });
      found.push(...MetricAlarms, ...CompositeAlarms);
      token = NextToken;
    } while (token);
    return found;
  }

  return {
    describeAlarms: async (names) => {
      const found: DescribedAlarm[] = [];
      // No names at all would ask for every alarm.
      for (let start = 0; start < names.length; start += NAMES_PER_CALL) {
        found.push(...(await describeSome(names.slice(start, start + NAMES_PER_CALL))));
      }
      return found;
    },
  };
}
