import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { compilePolicy } from "../iam/policy.ts";
import { UnsupportedPolicy } from "../iam/unsupported-policy.ts";

const oneOrMany = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());
const scalar = z.union([z.string(), z.boolean(), z.number()]).transform(String);
const values = z.union([scalar, z.array(scalar).min(1)]).transform((value) => [value].flat());
const principals = z.union([
  z.literal("*").transform(() => ({ AWS: ["*"], Service: [], Federated: [] })),
  z.strictObject({
    AWS: oneOrMany.default([]),
    Service: oneOrMany.default([]),
    Federated: oneOrMany.default([]),
  }),
]);
const statementSchema = z.strictObject({
  Sid: z
    .string()
    .regex(/^[0-9A-Za-z]*$/)
    .optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: principals.optional(),
  NotPrincipal: principals.optional(),
  Action: oneOrMany.optional(),
  NotAction: oneOrMany.optional(),
  Resource: oneOrMany.optional(),
  NotResource: oneOrMany.optional(),
  Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
});
const policySchema = z.strictObject({
  Version: z.enum(["2012-10-17", "2008-10-17"]).default("2008-10-17"),
  Id: z.string().optional(),
  Statement: z.union([z.array(statementSchema).min(1), statementSchema.transform((statement) => [statement])]),
});

/** A resource policy that was accepted. */
export type ResourcePolicy = z.output<typeof policySchema>;
type Statement = ResourcePolicy["Statement"][number];

const MAX_CHARACTERS = 20_480;

/**
 * The resource policy that a text holds: anybody's statements, as long as they are valid and name principals that can
 * be. The messages are those of
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
 * @throws AwsError MalformedPolicyDocumentException, and PublicPolicyException when a public policy is to be blocked
 */
export function parseResourcePolicy(text: string, blockPublicPolicy: boolean): ResourcePolicy {
  const malformed = (why: string) => refused(`a syntax error. ${why}`);
  if (text.length > MAX_CHARACTERS) throw malformed(`It is longer than ${MAX_CHARACTERS} characters.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed("It is not JSON.");
  }
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  for (const statement of parsed.data.Statement) requirePrincipals(statement);
  try {
    compilePolicy(json, "resource");
  } catch (error) {
    // What the simulator can't evaluate would otherwise let a read pass, or stop it.
    if (error instanceof UnsupportedPolicy) throw malformed(error.message);
    throw error;
  }
  if (blockPublicPolicy && parsed.data.Statement.some(isPublic))
    throw new AwsError(
      "PublicPolicyException",
      "You can't attach this resource policy because it grants broad access to the secret.",
    );
  return parsed.data;
}

function refused(what: string): AwsError {
  return new AwsError("MalformedPolicyDocumentException", `This resource policy contains ${what}`);
}

function requirePrincipals({ Principal, NotPrincipal }: Statement): void {
  for (const named of [Principal, NotPrincipal]) {
    if (named === undefined) continue;
    if (!named.AWS.every(isPrincipal)) throw refused("an unsupported principal.");
    if (!named.Service.every(isService)) throw refused("an invalid service principal.");
  }
}

/**
 * Grants everybody something, and no condition holds them to fixed values.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
function isPublic({ Effect, Principal, NotPrincipal, Condition }: Statement): boolean {
  const everybody = NotPrincipal !== undefined || Principal?.AWS.includes("*") === true;
  return Effect === "Allow" && everybody && !Object.entries(Condition ?? {}).some(narrows);
}

const NARROWING_OPERATOR = /^(ForAnyValue:)?(String|Arn)(Equals|Like)(IgnoreCase)?$/i;
const NARROWING_KEY = /^aws:(Source(Arn|Vpc|Vpce|Account|Owner)|Principal(Account|Arn|OrgId|OrgPaths)|userid)$/i;

function narrows([operator, block]: [string, Readonly<Record<string, readonly string[]>>]): boolean {
  if (!NARROWING_OPERATOR.test(operator)) return false;
  return Object.entries(block).some(([key, fixed]) => NARROWING_KEY.test(key) && fixed.every((text) => text !== "*"));
}

function isPrincipal(text: string): boolean {
  return text === "*" || /^\d{12}$/.test(text) || /^arn:aws[\w-]*:(iam|sts)::\d{12}:[^*]+$/.test(text);
}

function isService(text: string): boolean {
  return /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(text);
}
