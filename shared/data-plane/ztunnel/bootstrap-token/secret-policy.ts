import * as z from "zod";
import { canonicalJson } from "../../../base/json.ts";

const ROLE_ARN = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const ACTION = "secretsmanager:GetSecretValue";

/** One or a list, as IAM writes both. */
const oneOrMore = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.literal("Allow"),
  Principal: z.strictObject({ AWS: oneOrMore }),
  Action: oneOrMore.refine((actions) => actions.length === 1 && actions[0] === ACTION),
  Resource: oneOrMore.refine((resources) => resources.length === 1 && resources[0] === "*"),
});
const policySchema = z.object({ Statement: z.tuple([statementSchema]) });

/**
 * The resource policy of a token's secret, as JSON text: exactly these execution roles may read it. Equal sets of roles
 * give equal text.
 */
export function secretPolicy(executionRoleArns: readonly [string, ...string[]]): string {
  return canonicalJson({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ExecutionRolesReadBootstrapToken",
        Effect: "Allow",
        Principal: { AWS: [...new Set(executionRoleArns)].sort() },
        Action: ACTION,
        Resource: "*",
      },
    ],
  });
}

/**
 * The secret's policy with this execution role among the principals, and whether it has to be written:
 * PutResourcePolicy replaces the whole document. The secret is the autopilot's own, so a policy of another form is
 * replaced. Principals that are not a role's ARN are dropped: AWS shows a deleted role as an id, and refuses a policy
 * that has one.
 */
export function mergePrincipals(
  policy: string | undefined,
  executionRoleArn: string,
): { readonly policy: string; readonly changed: boolean } {
  const present = policy === undefined ? [] : principalsOf(policy);
  const kept = present.filter((principal) => ROLE_ARN.test(principal));
  return {
    policy: secretPolicy([executionRoleArn, ...kept]),
    changed: kept.length < present.length || !kept.includes(executionRoleArn),
  };
}

/** The principals of a policy that has the one statement that `secretPolicy` writes; else none. */
function principalsOf(policy: string): readonly string[] {
  const parsed = policySchema.safeParse(parseJson(policy));
  return parsed.success ? parsed.data.Statement[0].Principal.AWS : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not ours either: it is replaced.
  }
}
