import { type RateTable, rates } from "../../http/throttle.ts";

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
export const secretsManagerRates: RateTable = {
  ...rates("write", 50, 50, "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "ReplicateSecretToRegions"),
  ...rates("create", 50, 50, "CreateSecret"),
  ...rates("delete", 50, 50, "DeleteSecret", "RestoreSecret"),
  ...rates("policy", 50, 50, "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"),
  ...rates("tags", 50, 50, "TagResource", "UntagResource"),
  ...rates("describe", 40_000, 40_000, "DescribeSecret"),
  ...rates("read", 10_000, 10_000, "GetSecretValue"),
  ...rates("batch-read", 100, 100, "BatchGetSecretValue"),
  ...rates("list", 100, 100, "ListSecrets"),
  ...rates("list-versions", 50, 50, "ListSecretVersionIds"),
};
