import { type AccountRegion, arnPartition } from "./deployment.ts";

/**
 * The key of a region's topic of alarms. CloudWatch can't publish to a topic that AWS's own key encrypts, whose policy
 * nobody can change:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
export const alarmKey = {
  description: "Encrypts what the autopilot's alarms publish.",
  /** The shortest time that KMS allows: nothing is kept by this key for longer than it takes to deliver it. */
  deletionDays: 7,
};

/** The key's policy, as an object: the account's own policies decide who manages it, and CloudWatch may use it. */
export function alarmKeyPolicy({ account, region }: AccountRegion): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "AccountDecides",
        Effect: "Allow",
        Principal: { AWS: `arn:${arnPartition(region)}:iam::${account}:root` },
        Action: "kms:*",
        Resource: "*",
      },
      {
        Sid: "AlarmsPublish",
        Effect: "Allow",
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
        Resource: "*",
        Condition: { StringEquals: { "aws:SourceAccount": account } },
      },
    ],
  };
}
