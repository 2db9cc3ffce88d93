import * as z from "zod";
import { sameRole } from "../../../base/arn.ts";
import { canonicalJson, isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";

const ROLE_ARN = /^arn:aws[\w-]*:iam::(\d{12}):role\/[\w+=,.@/-]+$/;
const ACTION = "secretsmanager:GetSecretValue";
const SID = "ExecutionRolesReadBootstrapToken";

/** One or a list, as IAM writes both. */
const oneOrMore = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const ownSchema = z.object({ Principal: z.object({ AWS: oneOrMore }) });
const documentSchema = z.record(z.string(), z.json()).and(z.object({ Statement: z.json() }));
const denySchema = z.object({ Effect: z.literal("Deny"), Action: oneOrMore });

/**
 * The resource policy of a token's secret, as JSON text: exactly these execution roles may read it. Equal sets of roles
 * give equal text.
 */
export function secretPolicy(executionRoleArns: readonly [string, ...string[]]): string {
  return canonicalJson({ Version: "2012-10-17", Statement: [ownStatement(executionRoleArns)] });
}

/** True for the ARN of a role of this account: nothing else becomes a reader of a secret. */
export function isReaderOf(account: string, principal: string): boolean {
  return ROLE_ARN.exec(principal)?.[1] === account;
}

/**
 * The principals of the autopilot's own statement, which its Sid names. AWS shows a deleted role as an id, not by
 * its ARN.
 */
export function readersIn(policy: string | undefined): readonly string[] {
  return statementsOf(policy)
    .filter(isOwn)
    .flatMap((statement) => ownSchema.safeParse(statement).data?.Principal.AWS ?? []);
}

/** True if the policy's own statement lets the role read. */
export function isReader(policy: string | undefined, executionRoleArn: string): boolean {
  return readersIn(policy).some((principal) => sameRole(principal, executionRoleArn));
}

/**
 * The policy with exactly these readers in the autopilot's own statement; undefined for a policy that would have no
 * statement. Statements of others stay. `changed` says whether it has to be written: PutResourcePolicy replaces the
 * whole document. What is not a policy is replaced.
 */
export function withReaders(
  policy: string | undefined,
  readers: readonly string[],
): { readonly policy: string | undefined; readonly changed: boolean } {
  const statements = statementsOf(policy);
  const own = statements.filter(isOwn);
  const wanted = readers.length > 0 ? [ownStatement(readers)] : [];
  const isSame = own.length === wanted.length && own.every((one, index) => isSameJson(normalized(one), wanted[index]));
  if (isSame) return { policy, changed: false };
  const merged = [...statements.filter((one) => !isOwn(one)), ...wanted];
  if (merged.length === 0) return { policy: undefined, changed: true };
  const document = documentOf(policy) ?? { Version: "2012-10-17" };
  return { policy: canonicalJson({ ...document, Statement: merged }), changed: true };
}

/** True if a statement of somebody else denies reads: of whom, only IAM can say. */
export function hasForeignDeny(policy: string | undefined): boolean {
  return statementsOf(policy).some((statement) => {
    const deny = isOwn(statement) ? undefined : denySchema.safeParse(statement).data;
    return deny?.Action.some((action) => /^(\*|secretsmanager:(\*|get.*))$/i.test(action)) ?? false;
  });
}

function ownStatement(readers: readonly string[]): JsonObject {
  return {
    Sid: SID,
    Effect: "Allow",
    Principal: { AWS: [...new Set(readers)].sort() },
    Action: ACTION,
    Resource: "*",
  };
}

/** The own statement with its principals as a sorted list, and with one action and resource as texts. */
function normalized(statement: JsonObject): JsonObject {
  const principals = ownSchema.safeParse(statement).data?.Principal.AWS;
  const one = (value: Json | undefined): Json =>
    (Array.isArray(value) && value.length === 1 ? (value[0] ?? "") : value) ?? "";
  const { Principal = {}, Action, Resource } = statement;
  const others = isJsonObject(Principal) ? Principal : {};
  return {
    ...statement,
    Principal: principals ? { ...others, AWS: [...new Set(principals)].sort() } : Principal,
    Action: one(Action),
    Resource: one(Resource),
  };
}

function isOwn(statement: JsonObject): boolean {
  return statement.Sid === SID;
}

/** A policy's statements; IAM also takes one that is not a list. */
function statementsOf(policy: string | undefined): readonly JsonObject[] {
  const statements = documentOf(policy)?.Statement;
  return (Array.isArray(statements) ? statements : [statements]).filter(isJsonObject);
}

function documentOf(policy: string | undefined): JsonObject | undefined {
  if (policy === undefined) return undefined;
  try {
    return documentSchema.safeParse(JSON.parse(policy)).data;
  } catch {
    return undefined; // What is not JSON is not a policy: it is replaced.
  }
}
