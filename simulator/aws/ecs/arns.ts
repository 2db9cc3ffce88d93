/** Where an ARN is: the parts of it that all resources of an account and region share. */
export interface ArnScope {
  readonly account: string;
  readonly region: string;
}

/** An ECS ARN: `resource` is what follows the account, such as `cluster/prod`. */
export function ecsArn({ account, region }: ArnScope, resource: string): string {
  return `arn:aws:ecs:${region}:${account}:${resource}`;
}

export interface ParsedEcsArn extends ArnScope {
  readonly kind: string;
  /** What follows the kind, split at the slashes. */
  readonly path: readonly string[];
}

/** The parts of an ECS ARN; `undefined` when the text is none. */
export function parseEcsArn(arn: string): ParsedEcsArn | undefined {
  const [, region, account, kind, rest] = /^arn:aws[\w-]*:ecs:([\w-]+):(\d{12}):([\w-]+)\/(.+)$/.exec(arn) ?? [];
  if (!region || !account || !kind || !rest) return undefined;
  return { account, region, kind, path: rest.split("/") };
}

/**
 * Whether a service's or task's ARN is one of the format that does not name the cluster.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html
 */
export function isShortArn(arn: string): boolean {
  const { kind, path } = parseEcsArn(arn) ?? {};
  return (kind === "service" || kind === "task") && path?.length === 1;
}

/** The name in an ARN or a name: what follows its last slash. */
export function lastName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf("/") + 1);
}
