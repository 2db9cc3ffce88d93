import { describe, expect, it } from "vitest";
import { readInventory } from "../../../cli/inventory/inventory.ts";
import { inventoryText } from "../../../cli/render/inventory.ts";
import { terminalOf } from "../../../cli/render/style.ts";
import { withCalls } from "../../support/altered-calls.ts";
import { ACCOUNT, web } from "../../support/arns.ts";
import { testContext } from "../../support/cli-contexts.ts";
import { watchedTestbed } from "../../support/testbeds/roll.ts";

const SHORT = `arn:aws:ecs:us-east-1:${ACCOUNT}:service/old`;

describe("services with short ARNs", () => {
  it("are named by status, and left out of a selection of services", async () => {
    const testbed = await watchedTestbed();
    const ecs = withCalls(testbed.ecs, {
      listServices: async function* () {
        yield SHORT;
        yield web.serviceArn;
      },
    });
    const { out, environment } = testContext();
    const read = (scope: object) => readInventory(scope, { ...testbed, ecs: () => ecs });
    const inventory = await read({});
    expect(inventory.shortArns).toEqual([SHORT]);
    expect(inventory.services.map(({ serviceArn }) => serviceArn)).toEqual([web.serviceArn]);
    expect(inventoryText(inventory, terminalOf(out, environment))).toContain(`${SHORT}: a short ARN`);
    expect(await read({ services: ["web"] })).toMatchObject({ shortArns: [], services: [{}] });
  });
});

describe("a service whose tags have started six rolls within an hour", () => {
  it("is shown by status with the time at which it is rolled again", async () => {
    const testbed = await watchedTestbed();
    const textNow = async () => {
      const { out, environment } = testContext();
      return inventoryText(
        await readInventory({}, { ...testbed, ecs: () => testbed.ecs }),
        terminalOf(out, environment),
      );
    };
    const nowMs = testbed.now();
    await testbed.ledger.patchService(web.serviceArn, { wishRolls: Array.from({ length: 5 }, () => nowMs) });
    expect(await textNow()).not.toContain("change too often");
    await testbed.ledger.patchService(web.serviceArn, { wishRolls: Array.from({ length: 6 }, () => nowMs) });
    expect(await textNow()).toContain("its tags change too often: what they ask for is done at ");
    testbed.clock.nowMs += 3_600_000;
    expect(await textNow()).not.toContain("change too often");
  });
});
