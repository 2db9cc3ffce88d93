import { AwsError } from "../../base/aws-error.ts";
import type { CallContext } from "../../core/service.ts";

/** What a request names: a parameter by its ARN, and the version or label of it, if one is selected. */
export interface ParameterReference {
  readonly arn: string;
  readonly selector: string | undefined;
}

const ARN = /^arn:aws[\w-]*:ssm:([a-z0-9-]+):(\d{12}):parameter\//;
const MAX_LEVELS = 15;

/**
 * A parameter's ARN. A name that is a path has its first slash from the ARN.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
 */
export function parameterArn({ account, region }: CallContext, name: string): string {
  return `arn:aws:ssm:${region}:${account}:parameter/${name.replace(/^\//, "")}`;
}

/**
 * The parameter that a name or an ARN refers to, with `:3` or `:label` after it; undefined for an ARN of another
 * account or region, whose parameters nobody shares here, and for what can't be a name.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 */
export function parameterReference(context: CallContext, nameOrArn: string): ParameterReference | undefined {
  const [prefix, region, account] = ARN.exec(nameOrArn) ?? [];
  if (prefix !== undefined && (region !== context.region || account !== context.account)) return undefined;
  const [, name, selector] = /^([\w./-]+)(?::([^:]+))?$/.exec(nameOrArn.slice(prefix?.length ?? 0)) ?? [];
  return name === undefined ? undefined : { arn: parameterArn(context, name), selector };
}

/**
 * The name of a new parameter: a path begins with a slash and has 15 levels at most, and the first part begins neither
 * with `aws` nor with `ssm`, in any case.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 * @throws AwsError ValidationException, AccessDeniedException, HierarchyLevelLimitExceededException
 */
export function requireNewName(name: string): void {
  refuseReserved(name);
  if (!name.startsWith("/") && name.includes("/"))
    throw new AwsError("ValidationException", "Parameter name must be a fully qualified name");
  if (name.split("/").length - 1 > MAX_LEVELS)
    throw new AwsError(
      "HierarchyLevelLimitExceededException",
      `Parameter hierarchies are limited to a maximum of ${MAX_LEVELS} levels.`,
    );
}

function refuseReserved(name: string): void {
  const [, slash, prefix] = /^(\/?)(aws|ssm)/i.exec(name) ?? [];
  if (prefix === undefined) return;
  if (slash === "/" && prefix.toLowerCase() === "aws")
    throw new AwsError("AccessDeniedException", `No access to reserved parameter name: ${name}.`);
  throw new AwsError(
    "ValidationException",
    `Parameter name: can't be prefixed with "${prefix.toLowerCase()}" (case-insensitive).`,
  );
}
