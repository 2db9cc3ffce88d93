import { describe, expect, it } from "vitest";
import { assessWave } from "../../../../shared/use-cases/rollout/assess-wave.ts";
import { serviceArn } from "../../../support/arns.ts";
import { rolloutService, wave } from "../../../support/rollouts.ts";
import { fleetTestbed } from "../../../support/testbeds/rollout.ts";
import { underWay } from "../../../support/testbeds/rollouts-under-way.ts";

const waves = [wave("canary", 0, 3, "rolling")];

describe("a wave that its failure budget stopped halfway", () => {
  it("rolls back, and the services that it did not start have not failed", async () => {
    const testbed = await fleetTestbed({ services: 4, policy: { failureBudget: { perWave: { count: 0 } } } });
    const { id } = await underWay(testbed, { waves, serviceCount: 4, failedOrdinals: [1] });
    const statuses = ["succeeded", "reverted", "waiting", "waiting"] as const;
    await testbed.ledger.putRolloutServices(
      statuses.map((status, ordinal) => rolloutService(ordinal, { status, serviceArn: serviceArn(`s${ordinal}`) })),
    );
    await assessWave({ rolloutId: id, phase: "forward", wave: 0, after: "roll" }, testbed);
    const services = await Array.fromAsync(testbed.ledger.listRolloutServices(id));
    expect(services.map(({ status }) => status)).toEqual(statuses);
    expect(await testbed.ledger.getRollout(id)).toMatchObject({ status: "rolling-back", failedOrdinals: [1] });
  });
});
