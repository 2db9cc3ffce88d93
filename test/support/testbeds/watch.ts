import type { ServiceRef } from "../../../shared/base/arn.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import type { Deployment } from "../../../shared/model/service.ts";
import type { ServingCertificateCalls } from "../../../shared/ports/ports.ts";
import { recordCalls } from "../altered-calls.ts";
import { OBSERVED, revisionArn, serviceNamed } from "../arns.ts";
import { completedDeployment } from "../deployments.ts";
import { meshed } from "../enrolled-services.ts";
import { bundle, factsWith } from "../meshes.ts";
import { observed, service, taskDefinition } from "../services.ts";
import { rollTestbed } from "./roll.ts";

/** What one deployment of a service runs; no roots: tasks without ztunnel. */
export interface Runs {
  readonly roots: string;
  readonly status?: Deployment["status"];
  readonly running?: number;
  readonly desired?: number;
}

/** A testbed of the root CA watch: `fleet` is its ECS, `calls` the names of the calls that were made of it. */
export function watchTestbed(changes: Parameters<typeof rollTestbed>[0] = {}) {
  const testbed = rollTestbed(changes);
  const { port: ecs, calls } = recordCalls(testbed.ecs);
  return { ...testbed, fleet: testbed.ecs, ecs: () => ecs, calls, serving: new FakeServing() };
}

/** What istiod serves: a root that signed itself stands for its certificates. */
export class FakeServing implements ServingCertificateCalls {
  /** The root that signs; undefined: nobody answers. */
  signer: string | undefined = "a";

  async readChain(istiodUrl: string): Promise<readonly string[]> {
    if (this.signer === undefined) throw new AutopilotError("control-plane-unreachable", istiodUrl);
    return [bundle(this.signer)];
  }
}

export type WatchTestbed = ReturnType<typeof watchTestbed>;

/** A service that is enrolled by the ledger, with these deployments in ECS. */
export async function runs(testbed: WatchTestbed, name: string, ...all: readonly Runs[]): Promise<ServiceRef> {
  const ref = serviceNamed(name);
  const deployments = all.map(({ roots, status = "PRIMARY", running = 2, desired = running }, index) => {
    const taskDefinitionArn = revisionArn(name, testbed.fleet.definitions.size);
    const raw = roots === "" ? taskDefinition() : meshed(observed({ facts: factsWith(roots) }));
    testbed.fleet.addRevision(taskDefinitionArn, raw);
    const counts = { runningCount: running, desiredCount: desired };
    return completedDeployment({ id: `ecs-svc/${index}`, status, taskDefinitionArn, ...counts });
  });
  const { taskDefinitionArn = OBSERVED } = deployments.find(({ status }) => status === "PRIMARY") ?? {};
  testbed.fleet.services.set(ref.serviceArn, service({ ref, deployments, taskDefinitionArn }));
  await testbed.ledger.patchService(ref.serviceArn, { enrolled: true });
  return ref;
}
