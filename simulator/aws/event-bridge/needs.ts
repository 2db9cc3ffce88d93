import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { Need } from "../../core/authorization.ts";
import type { CallContext, NeedsTable } from "../../core/service.ts";
import { onAnything, onResource, textMember } from "../needs.ts";
import { busArn, isBusArn } from "./buses.ts";

/**
 * What EventBridge's operations need to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
 */
export const eventBridgeNeeds: NeedsTable = {
  PutEvents: putEvents,
  TestEventPattern: onAnything("events:TestEventPattern"),
  ListEventBuses: onAnything("events:ListEventBuses"),
  ListRules: onResource("events:ListRules", (input, context) => ruleArn(input, context, "*")),
  DescribeRule: onResource("events:DescribeRule", (input, context) =>
    ruleArn(input, context, textMember(input, "Name")),
  ),
  ListTargetsByRule: onResource("events:ListTargetsByRule", (input, context) =>
    ruleArn(input, context, textMember(input, "Rule")),
  ),
};

/** What it needs to put an event of this kind on a bus, by a call or by a rule. */
export function putEventsNeed(
  bus: string,
  entries: readonly { readonly source: string; readonly detailType: string }[],
): Need {
  return {
    action: "events:PutEvents",
    resource: bus,
    keys: {
      "events:source": [...new Set(entries.map(({ source }) => source))],
      "events:detail-type": [...new Set(entries.map(({ detailType }) => detailType))],
    },
  };
}

/** One need for each bus that the entries go to. */
function putEvents(input: JsonObject, context: CallContext): readonly Need[] {
  const entries = (Array.isArray(input.Entries) ? input.Entries : []).filter(isJsonObject);
  const byBus = Map.groupBy(entries, (entry) => busOf(entry, context));
  return [...byBus].map(([bus, ofBus]) =>
    putEventsNeed(
      bus,
      ofBus.map((entry) => ({ source: textMember(entry, "Source"), detailType: textMember(entry, "DetailType") })),
    ),
  );
}

function busOf({ EventBusName }: JsonObject, { account, region }: CallContext): string {
  const name = typeof EventBusName === "string" ? EventBusName : "default";
  return isBusArn(name) ? name : busArn(account, region, name);
}

function ruleArn(input: JsonObject, { account, region }: CallContext, rule: string): string {
  const bus = textMember(input, "EventBusName");
  const path = bus === "" || bus === "default" ? rule : `${bus.slice(bus.lastIndexOf("/") + 1)}/${rule}`;
  return `arn:aws:events:${region}:${account}:rule/${path}`;
}
