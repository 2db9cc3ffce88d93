import type { Json } from "../../base/json.ts";
import type { CallContext, NeedsOf, NeedsTable } from "../../core/service.ts";
import { onAnything, onResource, textMember } from "../needs.ts";

/**
 * What Systems Manager's operations need to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 */
export const ssmNeeds: NeedsTable = {
  GetParameter: onParameter("GetParameter"),
  GetParameters: (input, context) =>
    (Array.isArray(input.Names) ? input.Names : []).map((name: Json) => ({
      action: "ssm:GetParameters",
      resource: parameterArn(typeof name === "string" ? name : "", context),
    })),
  PutParameter: onParameter("PutParameter"),
  DeleteParameter: onParameter("DeleteParameter"),
  DescribeParameters: onAnything("ssm:DescribeParameters"),
};

function onParameter(operation: string): NeedsOf {
  return onResource(`ssm:${operation}`, (input, context) => parameterArn(textMember(input, "Name"), context));
}

/** A name with a path has its first slash from the ARN; `name:3` and `name:label` select a version of the parameter. */
function parameterArn(name: string, { account, region }: CallContext): string {
  if (name.startsWith("arn:")) return name;
  const plain = name.replace(/^\//, "").replace(/:[^/:]+$/, "");
  return `arn:aws:ssm:${region}:${account}:parameter/${plain}`;
}
