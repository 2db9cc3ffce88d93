import type { Place } from "../../../shared/base/arn.ts";
import type { Config } from "../../../shared/config/config.ts";
import { revisionArn, serviceNamed } from "../arns.ts";
import { completedDeployment } from "../deployments.ts";
import { FakeAlarms } from "../fakes/alarms.ts";
import { FakeBus } from "../fakes/bus.ts";
import { FakeExecutions } from "../fakes/executions.ts";
import { FakeParameters } from "../fakes/parameters.ts";
import { config as configOf, service } from "../services.ts";
import { NOON } from "../times.ts";
import { rollTestbed } from "./roll.ts";

/** All that a rollout calls. `enroll` adds its services, each in the mesh. */
export function rolloutTestbed(
  options: { readonly services?: number; readonly policy?: object; readonly config?: Partial<Config> } = {},
) {
  const { services = 0, policy } = options;
  const config = { ...configOf(policy ? { policy: { rollout: policy } } : {}), ...options.config };
  const testbed = rollTestbed({ config });
  testbed.clock.nowMs = NOON;
  testbed.ecs.services.clear();
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  const enroll = async () => {
    for (const name of names) {
      const ref = serviceNamed(name);
      const taskDefinitionArn = revisionArn(name, 1);
      const primary = completedDeployment({ id: `ecs-svc/${name}`, taskDefinitionArn });
      testbed.ecs.add(service({ ref, taskDefinitionArn, deployments: [primary] }));
      await testbed.ledger.patchService(ref.serviceArn, { enrolled: true, lastGoodRevisionArn: taskDefinitionArn });
    }
  };
  const alarms = new FakeAlarms();
  const fleetExecutions = new FakeExecutions();
  return {
    ...testbed,
    names,
    enroll,
    bus: new FakeBus(),
    ecs: (_place: Place) => testbed.ecs,
    fakeEcs: testbed.ecs,
    alarms: (_place: Place) => alarms,
    fakeAlarms: alarms,
    parameters: new FakeParameters(),
    fleetExecutions,
    /** For `holdRollout`, whose executions are RollFleet's. */
    executions: fleetExecutions,
  };
}
export type RolloutTestbed = ReturnType<typeof rolloutTestbed>;

/** A testbed with an enrolled fleet. */
export async function fleetTestbed(...given: Parameters<typeof rolloutTestbed>): Promise<RolloutTestbed> {
  const testbed = rolloutTestbed(...given);
  await testbed.enroll();
  return testbed;
}
