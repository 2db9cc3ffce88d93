import type { ServiceRef } from "../../base/arn.ts";
import type { ObservedService } from "../../model/service.ts";
import type { DescribedSecret } from "../../ports/ports.ts";

/** The services and secrets that a sweep has seen in one account and region. */
export class Sighting {
  /** Every reference to one of our secrets. */
  readonly secrets = new Set<string>();
  /** The services that ECS has, by their ARNs, with what they run. */
  readonly services = new Map<string, { readonly ref: ServiceRef; readonly taskDefinitionArn: string }>();
  /** Those whose task definitions name secrets of ours, and how. */
  readonly users = new Map<string, readonly string[]>();
  /** Our secrets that are not scheduled for deletion, by name. */
  readonly listed = new Map<string, string>();
  /** Every service has been read, and every secret listed. */
  complete = false;

  see({ ref, taskDefinitionArn }: ObservedService): void {
    this.services.set(ref.serviceArn, { ref, taskDefinitionArn });
  }

  use({ ref }: ObservedService, valueFroms: readonly string[]): void {
    for (const valueFrom of valueFroms) this.secrets.add(valueFrom);
    if (valueFroms.length > 0) this.users.set(ref.serviceArn, valueFroms);
  }

  /** A service whose task definition names the secret, and what it runs. */
  userOf(secretArn: string) {
    for (const [serviceArn, valueFroms] of this.users) {
      const found = this.services.get(serviceArn);
      if (found && valueFroms.some((valueFrom) => valueFrom.startsWith(secretArn))) {
        return { ref: found.ref, runs: { taskDefinitionArn: found.taskDefinitionArn } };
      }
    }
    return undefined;
  }

  /** Notes each secret as it is listed. */
  async *noting(secrets: AsyncIterable<DescribedSecret>): AsyncIterable<DescribedSecret> {
    for await (const secret of secrets) {
      this.listed.set(secret.name, secret.arn);
      yield secret;
    }
  }
}
