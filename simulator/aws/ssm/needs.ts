import type { Json } from "../../base/json.ts";
import type { CallContext, NeedsOf, NeedsTable } from "../../core/service.ts";
import { onAnything, onResource, textMember } from "../needs.ts";
import { parameterArn, parameterReference } from "./names.ts";

/**
 * What Systems Manager's operations need to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 */
export const ssmNeeds: NeedsTable = {
  GetParameter: onParameter("GetParameter"),
  GetParameters: (input, context) =>
    (Array.isArray(input.Names) ? input.Names : []).map((name: Json) => ({
      action: "ssm:GetParameters",
      resource: neededArn(typeof name === "string" ? name : "", context),
    })),
  PutParameter: onParameter("PutParameter"),
  DeleteParameter: onParameter("DeleteParameter"),
  LabelParameterVersion: onParameter("LabelParameterVersion"),
  UnlabelParameterVersion: onParameter("UnlabelParameterVersion"),
  GetParameterHistory: onParameter("GetParameterHistory"),
  DescribeParameters: onAnything("ssm:DescribeParameters"),
};

function onParameter(operation: string): NeedsOf {
  return onResource(`ssm:${operation}`, (input, context) => neededArn(textMember(input, "Name"), context));
}

function neededArn(nameOrArn: string, context: CallContext): string {
  return (
    parameterReference(context, nameOrArn)?.arn ??
    (nameOrArn.startsWith("arn:") ? nameOrArn : parameterArn(context, nameOrArn))
  );
}
