import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { randomBase62 } from "../../base/random-id.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, Operation } from "../../core/service.ts";
import { parseInput } from "../input.ts";

export interface StsOptions {
  /** The roles that can be assumed; without it, every role of every account. */
  readonly roleArns?: readonly string[];
}

const ROLE_ARN = /^arn:aws[\w-]*:iam::(\d{12}):role\/([\w+=,.@/-]+)$/;
const assumeRoleSchema = z.object({
  RoleArn: z.string().regex(ROLE_ARN, "the ARN of a role"),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/, "2 to 64 letters, digits and =,.@-_"),
  // The query protocol carries numbers as text.
  DurationSeconds: z.coerce.number().int().min(900).max(43_200).default(3600),
});

/**
 * STS. The access key id of an assumed role has the role's account after `ASIA`, which is how the router knows the
 * account of a call. AWS's own have 16 characters at least, too.
 */
export class Sts implements AwsService {
  readonly name = "sts";
  readonly protocol = {
    kind: "awsQuery",
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  } as const;
  readonly operations: Readonly<Record<string, Operation>>;

  constructor({ clock, random }: SimulatorContext, { roleArns }: StsOptions = {}) {
    this.operations = {
      AssumeRole: (input, context) => {
        const { RoleArn, RoleSessionName, DurationSeconds } = parseInput(assumeRoleSchema, input, "ValidationError");
        if (roleArns !== undefined && !roleArns.includes(RoleArn)) throw notAuthorized(context, RoleArn);
        const [, account = "", path = ""] = ROLE_ARN.exec(RoleArn) ?? [];
        const roleName = path.split("/").at(-1) ?? "";
        return {
          Credentials: {
            AccessKeyId: `ASIA${account}`,
            SecretAccessKey: randomBase62(random, 40),
            SessionToken: randomBase62(random, 64),
            Expiration: new Date(clock.now() + DurationSeconds * 1000).toISOString(),
          },
          AssumedRoleUser: {
            AssumedRoleId: `AROA${randomBase62(random, 17).toUpperCase()}:${RoleSessionName}`,
            Arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${RoleSessionName}`,
          },
        };
      },
      GetCallerIdentity: (_input, { account }) => ({
        UserId: account,
        Account: account,
        Arn: `arn:aws:iam::${account}:root`,
      }),
    };
  }
}

function notAuthorized({ account }: CallContext, roleArn: string): AwsError {
  return new AwsError(
    "AccessDenied",
    `User: arn:aws:iam::${account}:root is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    403,
  );
}
