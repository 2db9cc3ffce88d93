import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { compilePolicy } from "../iam/policy.ts";
import { UnsupportedPolicy } from "../iam/unsupported-policy.ts";

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
  try {
    compilePolicy(parsed.data, "resource");
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
