import { describe, expect, it } from "vitest";
import { assessWave } from "../../../../shared/use-cases/rollout/assess-wave.ts";
import { fleetWorld, serviceArn, underWay } from "../../../support/rollout-calls.ts";
import { rolloutService, wave } from "../../../support/rollouts.ts";

const waves = [wave("canary", 0, 3, "rolling")];

describe("a wave that its failure budget stopped halfway", () => {
  it("rolls back, and the services that it did not start have not failed", async () => {
    const world = await fleetWorld({ services: 4, policy: { failureBudget: { perWave: { count: 0 } } } });
    const { id } = await underWay(world, { waves, serviceCount: 4, failedOrdinals: [1] });
    const statuses = ["succeeded", "reverted", "waiting", "waiting"] as const;
    await world.ledger.putRolloutServices(
      statuses.map((status, ordinal) => rolloutService(ordinal, { status, serviceArn: serviceArn(`s${ordinal}`) })),
    );
    await assessWave({ rolloutId: id, phase: "forward", wave: 0, after: "roll" }, world);
    const services = await Array.fromAsync(world.ledger.listRolloutServices(id));
    expect(services.map(({ status }) => status)).toEqual(statuses);
    expect(await world.ledger.getRollout(id)).toMatchObject({ status: "rolling-back", failedOrdinals: [1] });
  });
});
