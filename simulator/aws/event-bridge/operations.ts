import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import type { AwsEvent } from "../../core/event.ts";
import type { CallContext, Operation } from "../../core/service.ts";
import { isNestedTooDeep } from "../../http/depth.ts";
import { answer, page, parseInput } from "../input.ts";
import { type Bus, type Buses, type CompiledRule, isBusArn } from "./buses.ts";
import { compilePattern } from "./pattern.ts";

/** What the operations need of EventBridge. */
interface Parts {
  readonly buses: Buses;
  readonly now: () => number;
  readonly newId: () => string;
  readonly put: (bus: Bus, event: AwsEvent) => void;
}

const ERROR = "ValidationException";
/**
 * Of a request's entries together. One entry has no limit of its own since its 256 KB were raised to this.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
const MAX_REQUEST_BYTES = 1024 * 1024;

/** Epoch seconds that are a date. */
const epoch = z.number().refine((seconds) => !Number.isNaN(new Date(seconds * 1000).getTime()), "not a date");
const entrySchema = z.object({
  Time: z.union([epoch, z.iso.datetime({ offset: true })]).optional(),
  Source: z.string().default(""),
  DetailType: z.string().default(""),
  Detail: z.string().default(""),
  Resources: z.array(z.string()).default([]),
  EventBusName: z.string().min(1).optional(),
});
type Entry = z.infer<typeof entrySchema>;
const putEventsSchema = z.object({ Entries: z.array(entrySchema).min(1).max(10) });
const testPatternSchema = z.object({ EventPattern: z.string(), Event: z.string() });
const listSchema = z.object({
  EventBusName: z.string().optional(),
  NamePrefix: z.string().default(""),
  NextToken: z.string().optional(),
  Limit: z.int().min(1).max(100).default(100),
});
const ruleSchema = z.object({ Name: z.string().min(1), EventBusName: z.string().optional() });
const targetsSchema = z.object({ Rule: z.string().min(1), EventBusName: z.string().optional() });
const testedEventSchema = z.looseObject({
  id: z.string(),
  account: z.string(),
  source: z.string(),
  time: z.string(),
  region: z.string(),
  resources: z.array(z.string()),
  "detail-type": z.string(),
});

/** EventBridge's operations on a set of buses. */
export function createOperations(parts: Parts): Readonly<Record<string, Operation>> {
  return {
    PutEvents: (input, context) => putEvents(parts, input, context),
    TestEventPattern: (input) => testEventPattern(input),
    ListEventBuses: (input, context) => listEventBuses(parts, input, context),
    ListRules: (input, context) => listRules(parts, input, context),
    DescribeRule: (input, context) => {
      const { Name, EventBusName } = parseInput(ruleSchema, input, ERROR);
      const bus = requireBus(parts.buses, context, EventBusName);
      return describeRule(bus, requireRule(bus, Name));
    },
    ListTargetsByRule: (input, context) => {
      const { Rule, EventBusName } = parseInput(targetsSchema, input, ERROR);
      const { targets } = requireRule(requireBus(parts.buses, context, EventBusName), Rule);
      return { Targets: targets.map((target, index) => ({ Id: `target-${index}`, Arn: targetArn(target, context) })) };
    },
  };
}

function putEvents({ buses, now, newId, put }: Parts, input: JsonObject, context: CallContext): Json {
  const { Entries } = parseInput(putEventsSchema, input, ERROR);
  const bytes = Entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (bytes > MAX_REQUEST_BYTES)
    throw new AwsError(ERROR, "Total size of the entries in the request is over the limit.");
  const results = Entries.map((entry): JsonObject => {
    const detail = parseDetail(entry.Detail);
    const refused = refuseEntry(entry, detail, context);
    if (refused !== undefined || detail === undefined) return refused ?? malformed();
    const id = newId();
    const event: AwsEvent = {
      version: "0",
      id,
      "detail-type": entry.DetailType,
      source: entry.Source,
      account: context.account,
      time: timeOf(entry, now()),
      region: context.region,
      resources: entry.Resources,
      detail,
    };
    // AWS accepts an entry for a bus that does not exist, and drops it:
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
    const bus = buses.find(context.account, context.region, entry.EventBusName);
    if (bus !== undefined) put(bus, event);
    return { EventId: id };
  });
  return { FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode !== undefined).length, Entries: results };
}

function refuseEntry(entry: Entry, detail: JsonObject | undefined, context: CallContext): JsonObject | undefined {
  for (const name of ["Source", "DetailType", "Detail"] as const)
    if (entry[name] === "")
      return {
        ErrorCode: "InvalidArgument",
        ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      };
  if (entry.Source.toLowerCase().startsWith("aws."))
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  if (detail === undefined) return malformed();
  const { EventBusName } = entry;
  if (EventBusName !== undefined && isBusArn(EventBusName) && EventBusName.split(":")[3] !== context.region)
    return { ErrorCode: "InvalidArgument", ErrorMessage: "The event bus is in another region." };
  return undefined;
}

function malformed(): JsonObject {
  return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
}

function parseDetail(text: string): JsonObject | undefined {
  if (isNestedTooDeep(text)) return undefined;
  try {
    const detail: unknown = JSON.parse(text);
    return isJsonObject(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size */
function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

function timeOf({ Time }: Entry, nowMs: number): string {
  const date = typeof Time === "number" ? new Date(Time * 1000) : new Date(Time ?? nowMs);
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

function testEventPattern(input: JsonObject): Json {
  const { EventPattern, Event } = parseInput(testPatternSchema, input, ERROR);
  const matches = compilePattern(EventPattern);
  let json: unknown;
  try {
    json = JSON.parse(Event);
  } catch {
    throw new AwsError(ERROR, "Parameter Event is not valid.");
  }
  if (!isJsonObject(json)) throw new AwsError(ERROR, "Parameter Event is not valid.");
  parseInput(testedEventSchema, json, ERROR);
  return { Result: matches(json) };
}

function listEventBuses({ buses }: Parts, input: JsonObject, context: CallContext): Json {
  const { NamePrefix, NextToken, Limit } = parseInput(listSchema, input, ERROR);
  const all = buses.list(context.account, context.region).filter(({ name }) => name.startsWith(NamePrefix));
  const { items, nextToken } = page(all, { nextToken: NextToken, limit: Limit, errorName: ERROR });
  return answer({ EventBuses: items.map(({ name, arn }) => ({ Name: name, Arn: arn })), NextToken: nextToken });
}

function listRules({ buses }: Parts, input: JsonObject, context: CallContext): Json {
  const { EventBusName, NamePrefix, NextToken, Limit } = parseInput(listSchema, input, ERROR);
  const bus = requireBus(buses, context, EventBusName);
  const all = [...bus.rules.values()].filter(({ name }) => name.startsWith(NamePrefix));
  const { items, nextToken } = page(all, { nextToken: NextToken, limit: Limit, errorName: ERROR });
  return answer({ Rules: items.map((rule) => describeRule(bus, rule)), NextToken: nextToken });
}

function describeRule(bus: Bus, rule: CompiledRule): JsonObject {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventPattern: JSON.stringify(rule.pattern),
    State: "ENABLED",
    EventBusName: bus.name,
  };
}

function targetArn(target: string, { account, region }: CallContext): string {
  return isBusArn(target) ? target : `arn:aws:lambda:${region}:${account}:function:${target}`;
}

function requireBus(buses: Buses, { account, region }: CallContext, nameOrArn: string | undefined): Bus {
  const bus = buses.find(account, region, nameOrArn);
  if (bus === undefined) throw new AwsError("ResourceNotFoundException", `Event bus ${nameOrArn} does not exist.`);
  return bus;
}

function requireRule(bus: Bus, name: string): CompiledRule {
  const rule = bus.rules.get(name);
  if (rule === undefined)
    throw new AwsError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${bus.name}.`);
  return rule;
}
