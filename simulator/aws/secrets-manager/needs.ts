import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { ConditionValues, Need } from "../../core/authorization.ts";
import type { CallContext, NeedsTable } from "../../core/service.ts";
import { onAnything, textMember } from "../needs.ts";
import type { SecretStore } from "./store.ts";

/**
 * What Secrets Manager's operations need to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 */
export function secretsNeeds(store: SecretStore): NeedsTable {
  const onSecret = (operation: string, keysOf: (input: JsonObject) => ConditionValues = () => ({})) => {
    return (input: JsonObject, context: CallContext): readonly Need[] => [
      {
        ...secretNeed(store, `secretsmanager:${operation}`, textMember(input, "SecretId"), context),
        keys: keysOf(input),
      },
    ];
  };
  return {
    CreateSecret: (input, context) => {
      const keys = { "secretsmanager:Name": textMember(input, "Name"), ...requestTags(input) };
      const need = secretNeed(store, "secretsmanager:CreateSecret", textMember(input, "Name"), context);
      const tagged = "aws:TagKeys" in keys;
      return [{ ...need, keys }, ...(tagged ? [{ ...need, keys, action: "secretsmanager:TagResource" }] : [])];
    },
    PutSecretValue: onSecret("PutSecretValue"),
    UpdateSecret: onSecret("UpdateSecret"),
    GetSecretValue: onSecret("GetSecretValue"),
    DescribeSecret: onSecret("DescribeSecret"),
    ListSecrets: onAnything("secretsmanager:ListSecrets"),
    ListSecretVersionIds: onSecret("ListSecretVersionIds"),
    UpdateSecretVersionStage: onSecret("UpdateSecretVersionStage"),
    DeleteSecret: onSecret("DeleteSecret"),
    RestoreSecret: onSecret("RestoreSecret"),
    PutResourcePolicy: onSecret("PutResourcePolicy", ({ BlockPublicPolicy }) => ({
      "secretsmanager:BlockPublicPolicy": String(BlockPublicPolicy === true),
    })),
    GetResourcePolicy: onSecret("GetResourcePolicy"),
    DeleteResourcePolicy: onSecret("DeleteResourcePolicy"),
    TagResource: onSecret("TagResource", requestTags),
    UntagResource: onSecret("UntagResource", ({ TagKeys }) => ({
      "aws:TagKeys": Array.isArray(TagKeys) ? TagKeys.filter((key) => typeof key === "string") : [],
    })),
  };
}

/** On a secret that there is by its own ARN; on one that there is not by the ARN that its name would make. */
function secretNeed(store: SecretStore, action: string, secretId: string, context: CallContext): Need {
  const secret = store.lookUp(context, secretId);
  const byName = `arn:aws:secretsmanager:${context.region}:${context.account}:secret:${secretId}`;
  return {
    action,
    resource: secret?.arn ?? (secretId.startsWith("arn:") ? secretId : byName),
    tags: () => secret?.tags,
    resourcePolicy: secret?.policy?.text,
  };
}

function requestTags({ Tags }: JsonObject): ConditionValues {
  const keys: string[] = [];
  const values: Record<string, string> = {};
  for (const tag of Array.isArray(Tags) ? Tags : []) {
    if (!isJsonObject(tag)) continue;
    const key = textMember(tag, "Key");
    keys.push(key);
    values[`aws:RequestTag/${key}`] = textMember(tag, "Value");
  }
  return keys.length > 0 ? { ...values, "aws:TagKeys": keys } : {};
}
