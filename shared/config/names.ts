import {
  type EnvironmentVariable,
  type FunctionName,
  LAB_STAGE,
  MAX_NAME_LENGTH,
  resourceEndings,
} from "../base/vocabulary.ts";

/** The part of the configuration that names begin with. */
interface NamedConfig {
  readonly name: string;
}

export interface ResourceNames {
  /** The ledger's DynamoDB table, in the home account and region. */
  readonly tableName: string;
  /** The home event bus. */
  readonly busName: string;
}

/**
 * What a stage's resources in the home region are called: the stacks create them by these names, the operator's command
 * finds them by these. The lab is not a stage: its resources have no stage in their names. AUTOPILOT_TABLE and
 * AUTOPILOT_BUS, which every deployed function has, come first.
 */
export function resourceNames(
  { name }: NamedConfig,
  stage?: string,
  environment: Readonly<Partial<Record<EnvironmentVariable, string | undefined>>> = {},
): ResourceNames {
  const prefix = stage === undefined ? name : `${name}-${stage}`;
  return {
    tableName: environment.AUTOPILOT_TABLE || `${prefix}-${resourceEndings.ledger}`,
    busName: environment.AUTOPILOT_BUS || prefix,
  };
}

/** What the names of a stage's resources begin with. Those of the lab have no stage in their names. */
export function namePrefixOf({ name }: NamedConfig, stage: string): string {
  return stage === LAB_STAGE ? name : `${name}-${stage}`;
}

/** The longest of the names that the stacks make of a name and a stage. A test compares it with all of them. */
export const LONGEST_ENDING = "-request-rollouts-schedule";

/** What is wrong with a stage's name, or with the names that it makes with the configuration's. */
export function nameProblems({ name }: NamedConfig, stage: string | undefined): readonly string[] {
  if (stage === undefined) return [];
  if (!/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(stage)) {
    return [`the stage ${JSON.stringify(stage.slice(0, 50))} may have letters, digits, and hyphens between them`];
  }
  const longest = `${name}-${stage}${LONGEST_ENDING}`;
  if (longest.length <= MAX_NAME_LENGTH) return [];
  const has = `${longest} has ${longest.length} characters, and AWS takes ${MAX_NAME_LENGTH}`;
  return [`name and stage are too long together: ${has}`];
}

/** The role that operators take on in other accounts. */
export function operatorReadRole({ memberRoleName }: { readonly memberRoleName: string }): string {
  return `${memberRoleName}-read`;
}

/** The name of a deployed function's role, by the function's file below `functions/`. */
export function functionRoleName({ name }: NamedConfig, stage: string, functionName: FunctionName): string {
  return `${name}-${stage}-${functionName.replaceAll("/", "-")}`;
}
