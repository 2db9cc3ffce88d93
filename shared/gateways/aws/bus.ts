import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { AutopilotError } from "../../base/errors.ts";
import { eventSources } from "../../base/vocabulary.ts";
import type { BusCalls, BusEvent } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call } from "./errors.ts";

const ENTRIES_PER_CALL = 10;

/**
 * The home bus, for the events that the autopilot emits, or those of another `source`. Throws `throttled` or
 * `aws-unavailable` when EventBridge took only some of them: PutEvents answers 200 then, and names the rest in its
 * entries.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function busGateway(
  clients: PlacedClients,
  options: { readonly busName: string; readonly source?: string },
): BusCalls {
  const client = clients(EventBridgeClient);
  const { busName, source = eventSources.autopilot } = options;
  return {
    putEvents: async (events) => {
      for (let start = 0; start < events.length; start += ENTRIES_PER_CALL) {
        await putChunk(client, { busName, source }, events.slice(start, start + ENTRIES_PER_CALL));
      }
    },
  };
}

async function putChunk(
  client: EventBridgeClient,
  { busName, source }: { readonly busName: string; readonly source: string },
  events: readonly BusEvent[],
): Promise<void> {
  const { FailedEntryCount = 0, Entries = [] } = await call(`PutEvents to ${busName}`, () =>
    client.send(
      new PutEventsCommand({
        Entries: events.map(({ detailType, detail, resources }) => ({
          EventBusName: busName,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
          Resources: [...resources],
        })),
      }),
    ),
  );
  if (FailedEntryCount === 0) return;
  const codes = Entries.map(({ ErrorCode }) => ErrorCode).filter((code) => code !== undefined);
  const throttled = codes.every((code) => code === "ThrottlingException");
  throw new AutopilotError(
    throttled ? "throttled" : "aws-unavailable",
    `PutEvents to ${busName}: ${FailedEntryCount} of ${events.length} events not taken: ${codes.join(", ")}`,
  );
}
