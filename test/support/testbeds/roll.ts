import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { ObservedService } from "../../../shared/model/service.ts";
import { completedDeployment } from "../deployments.ts";
import { FakeBus } from "../fakes/bus.ts";
import { FakeControlPlane } from "../fakes/control-plane.ts";
import { FakeEcs } from "../fakes/ecs.ts";
import { FakeExecutions } from "../fakes/executions.ts";
import { FakeSecrets } from "../fakes/secrets.ts";
import { config as configOf, service } from "../services.ts";
import { NOW } from "../times.ts";

/**
 * A service that is tagged and runs, and all that a roll of it calls: fakes that work together, a clock that stands
 * still, and the lines that were logged.
 */
export function rollTestbed(
  changes: { readonly service?: Partial<ObservedService>; readonly raw?: JsonObject; readonly config?: Config } = {},
) {
  const clock = { nowMs: NOW };
  const ecs = new FakeEcs(() => clock.nowMs);
  ecs.add(service({ deployments: [completedDeployment()], ...changes.service }), changes.raw);
  const lines: { readonly level: string; readonly message: string; readonly extra: JsonObject }[] = [];
  const line =
    (level: string) =>
    (message: string, extra: JsonObject = {}) => {
      lines.push({ level, message, extra });
    };
  const plane = new FakeControlPlane(() => clock.nowMs);
  return {
    config: changes.config ?? configOf(),
    ecs,
    ecsOf: () => ecs,
    secrets: new FakeSecrets(),
    plane,
    controlPlane: () => plane,
    ledger: memoryLedger(),
    bus: new FakeBus(),
    executions: new FakeExecutions(),
    clock,
    now: () => clock.nowMs,
    pause: async (ms: number) => {
      clock.nowMs += ms;
    },
    lines,
    log: { info: line("info"), warn: line("warn"), error: line("error") },
  };
}
export type RollTestbed = ReturnType<typeof rollTestbed>;

/** A testbed whose ledger has the mesh facts, as the watch leaves them. */
export async function watchedTestbed(changes: Parameters<typeof rollTestbed>[0] = {}): Promise<RollTestbed> {
  const testbed = rollTestbed(changes);
  await testbed.ledger.putMeshFacts(testbed.plane.facts);
  return testbed;
}
