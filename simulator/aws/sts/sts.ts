import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import { randomBase62 } from "../../base/random-id.ts";
import type { SessionCredentials } from "../../core/authorization.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, NeedsTable, Operation } from "../../core/service.ts";
import { parseInput } from "../input.ts";
import { textMember } from "../needs.ts";

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
 * STS. The keys of an assumed role are those of a session that IAM knows. In a simulator without IAM the role's account
 * follows `ASIA`, which is how the router knows the account of a call.
 */
export class Sts implements AwsService {
  readonly name = "sts";
  readonly protocol = {
    kind: "awsQuery",
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  /** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html */
  readonly needs: NeedsTable = {
    AssumeRole: (input) => [
      {
        action: "sts:AssumeRole",
        resource: textMember(input, "RoleArn"),
        keys: {
          "sts:ExternalId": typeof input.ExternalId === "string" ? input.ExternalId : undefined,
          "sts:RoleSessionName": textMember(input, "RoleSessionName"),
        },
      },
    ],
    // Every caller may ask: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    GetCallerIdentity: () => [],
  };

  constructor({ clock, random, authorizer }: SimulatorContext, { roleArns }: StsOptions = {}) {
    const openSession = (roleArn: string, name: string, seconds: number): SessionCredentials => {
      const iam = authorizer.find();
      if (iam) return iam.openSession(roleArn, name, seconds);
      const [, account = "", path = ""] = ROLE_ARN.exec(roleArn) ?? [];
      return {
        accessKeyId: `ASIA${account}`,
        secretAccessKey: randomBase62(random, 40),
        sessionToken: randomBase62(random, 64),
        expirationMs: clock.now() + seconds * 1000,
        sessionArn: `arn:aws:sts::${account}:assumed-role/${path.split("/").at(-1) ?? ""}/${name}`,
      };
    };
    this.operations = {
      AssumeRole: (input, context) => {
        const { RoleArn, RoleSessionName, DurationSeconds } = parseInput(assumeRoleSchema, input, "ValidationError");
        if (roleArns !== undefined && !roleArns.includes(RoleArn)) throw notAuthorized(context, RoleArn);
        const session = openSession(RoleArn, RoleSessionName, DurationSeconds);
        return {
          Credentials: {
            AccessKeyId: session.accessKeyId,
            SecretAccessKey: session.secretAccessKey,
            SessionToken: session.sessionToken,
            Expiration: new Date(session.expirationMs).toISOString(),
          },
          AssumedRoleUser: { AssumedRoleId: `AROA${"0".repeat(17)}:${RoleSessionName}`, Arn: session.sessionArn },
        };
      },
      GetCallerIdentity: (_input, { account, principal }) => ({
        UserId: account,
        Account: account,
        Arn: principal?.kind === "session" ? principal.sessionArn : `arn:aws:iam::${account}:root`,
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
