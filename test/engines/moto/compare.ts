import * as z from "zod";
import type { JsonObject } from "../../../shared/base/json.ts";

const answerSchema = z.object({
  what: z.string(),
  operation: z.string(),
  output: z.record(z.string(), z.unknown()).optional(),
  error: z.object({ code: z.string(), status: z.number() }).optional(),
});

/** What a server answered to one call of the scenario. */
export type Answer = z.infer<typeof answerSchema>;

/** The answers that the scenario wrote, a line each. */
export function answersIn(lines: string): readonly Answer[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => answerSchema.parse(JSON.parse(line)));
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** What Secrets Manager appends to a secret's name in its ARN. */
const SECRET_SUFFIX = /(:secret:[\w/+=.@-]+)-[A-Za-z0-9]{6}$/;
const TOKEN = /[0-9a-f]{32}/g;
/** The number that ECS gives a deployment. */
const DEPLOYMENT = /ecs-svc\/\d+/g;

/** The text without what a server makes up: ids and the ends of secrets' ARNs. */
export function normalized(text: string): string {
  const ids = text.replace(UUID, "<id>").replace(TOKEN, "<id>").replace(DEPLOYMENT, "ecs-svc/<id>");
  return ids.replace(SECRET_SUFFIX, "$1-<suffix>");
}

/** Lists whose order the reference does not promise: sorted before they are compared. */
const UNORDERED: ReadonlySet<string> = new Set([
  "ecs.list_services serviceArns",
  "ecs.list_tags_for_resource tags",
  "ssm.get_parameters Parameters",
]);

/**
 * In what two answers to one call differ, in words that are the same for the same difference of other calls: an error
 * is reported with the call, a member with its operation.
 */
export function differencesOf(lab: Answer, moto: Answer): readonly string[] {
  const { what, operation } = lab;
  if (lab.error || moto.error) {
    const [ours, theirs] = [endOf(lab), endOf(moto)];
    return ours === theirs ? [] : [`${operation} (${what}): lab ${ours}, moto ${theirs}`];
  }
  const [ours, theirs] = [lab.output, moto.output].map((output) => sorted(operation, output));
  return membersApart(ours, theirs).map((apart) => `${operation} ${apart}`);
}

/** The output with its lists without a promised order sorted. */
function sorted(operation: string, output: Answer["output"]): Readonly<Record<string, unknown>> {
  const members = Object.entries(output ?? {}).map(([name, value]) => {
    const isUnordered = Array.isArray(value) && UNORDERED.has(`${operation} ${name}`);
    return [
      name,
      isUnordered ? value.toSorted((one, other) => (textOf(one) < textOf(other) ? -1 : 1)) : value,
    ] as const;
  });
  return Object.fromEntries(members);
}

function endOf({ error }: Answer): string {
  return error ? `${error.code} (${error.status})` : "succeeds";
}

function membersApart(ours: unknown, theirs: unknown, path = ""): readonly string[] {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [`${path}: lab has ${ours.length} items, moto ${theirs.length}`];
    return ours.flatMap((item, index) => membersApart(item, theirs[index], `${path}[]`));
  }
  if (isObject(ours) && isObject(theirs)) {
    const [left, right] = [byNormalizedName(ours), byNormalizedName(theirs)];
    return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((name) => {
      const at = path === "" ? name : `${path}.${name}`;
      if (!left.has(name)) return [`${at}: only moto has it`];
      if (!right.has(name)) return [`${at}: only the lab has it`];
      return membersApart(left.get(name), right.get(name), at);
    });
  }
  const [one, other] = [textOf(ours), textOf(theirs)];
  return one === other ? [] : [`${path}: lab ${one}, moto ${other}`];
}

/** The members: the names of some are ids. */
function byNormalizedName(object: JsonObject): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(object).map(([name, value]) => [normalized(name), value]));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(normalized(value)) : JSON.stringify(value);
}
