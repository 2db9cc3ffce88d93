import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";

const oneOrMany = z.union([z.string(), z.array(z.string()).min(1)]);
const statementSchema = z
  .strictObject({
    Sid: z
      .string()
      .regex(/^[0-9A-Za-z]*$/)
      .optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: z.union([
      z.literal("*"),
      z.strictObject({ AWS: oneOrMany.optional(), Service: oneOrMany.optional(), Federated: oneOrMany.optional() }),
    ]),
    Action: oneOrMany,
    Resource: oneOrMany,
    Condition: z.record(z.string(), z.record(z.string(), oneOrMany)).optional(),
  })
  .refine(({ Principal }) => Principal === "*" || list(Principal.AWS).every(isPrincipal), "not a principal");
const policySchema = z.strictObject({
  Version: z.enum(["2012-10-17", "2008-10-17"]),
  Id: z.string().optional(),
  Statement: z.union([
    z.array(statementSchema).min(1),
    statementSchema.transform((statement) => [statement] as (typeof statement)[]),
  ]),
});

/** A resource policy that was accepted. */
export type ResourcePolicy = z.output<typeof policySchema>;
type Statement = ResourcePolicy["Statement"][number];

const MAX_CHARACTERS = 20_480;

/**
 * The resource policy that a text holds.
 * @throws AwsError MalformedPolicyDocumentException, and PublicPolicyException when a public policy is to be blocked
 */
export function parseResourcePolicy(text: string, blockPublicPolicy: boolean): ResourcePolicy {
  const malformed = (why: string) =>
    new AwsError("MalformedPolicyDocumentException", `This resource policy contains a syntax error. ${why}`);
  if (text.length > MAX_CHARACTERS) throw malformed(`It is longer than ${MAX_CHARACTERS} characters.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed("It is not JSON.");
  }
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  if (blockPublicPolicy && parsed.data.Statement.some(isPublic))
    throw new AwsError(
      "PublicPolicyException",
      "You can't attach this resource policy because it grants broad access to the secret.",
    );
  return parsed.data;
}

/**
 * What a resource policy says about a role that reads the secret. A statement with a condition is never taken as an
 * Allow and always as a Deny: the simulator does not evaluate conditions, and errs on AWS's strict side.
 * An account's root as principal only delegates to identity policies, and so does not allow a role to read.
 */
export function judgeRead(
  policy: ResourcePolicy | undefined,
  request: { readonly roleArn: string; readonly secretArn: string },
): "allow" | "deny" | "none" {
  const applying = (policy?.Statement ?? []).filter((statement) => appliesTo(statement, request));
  if (applying.some(({ Effect }) => Effect === "Deny")) return "deny";
  return applying.some(({ Effect, Condition }) => Effect === "Allow" && Condition === undefined) ? "allow" : "none";
}

/** True when `text` is what `pattern` says, where `*` stands for any characters and `?` for one. */
export function wildcardMatches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}

function appliesTo(statement: Statement, request: { readonly roleArn: string; readonly secretArn: string }): boolean {
  const { Principal, Action, Resource } = statement;
  const principals = Principal === "*" ? ["*"] : list(Principal.AWS);
  return (
    principals.some((principal) => principal === "*" || principal === request.roleArn) &&
    list(Action).some((action) => wildcardMatches(action.toLowerCase(), "secretsmanager:getsecretvalue")) &&
    list(Resource).some((resource) => wildcardMatches(resource, request.secretArn))
  );
}

function isPublic({ Effect, Principal, Condition }: Statement): boolean {
  const principals = Principal === "*" ? ["*"] : list(Principal.AWS);
  return Effect === "Allow" && Condition === undefined && principals.includes("*");
}

function isPrincipal(text: string): boolean {
  return text === "*" || /^\d{12}$/.test(text) || /^arn:aws[\w-]*:(iam|sts)::\d{12}:.+/.test(text);
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
