import { describe, expect, it } from "vitest";
import { readInventory } from "../../../cli/inventory/inventory.ts";
import { inventoryText } from "../../../cli/render/inventory.ts";
import { terminalOf } from "../../../cli/render/style.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
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

describe("items of the ledger that can't be read", () => {
  it("are named by status with what to do, and what they don't concern is shown", async () => {
    const testbed = await watchedTestbed();
    const spoiled = { pk: `SERVICE#${web.serviceArn}x`, sk: "STATE", why: "shape: 7" };
    const fleet = new AutopilotError("ledger-item-unreadable", "FLEET / STATE: version");
    const ledger = withCalls(testbed.ledger, {
      listServices: async function* (onUnreadable) {
        onUnreadable?.(spoiled);
        yield* testbed.ledger.listServices();
      },
      getFleet: () => Promise.reject(fleet),
    });
    const { out, environment } = testContext();
    const inventory = await readInventory({}, { ...testbed, ledger, ecs: () => testbed.ecs });
    expect(inventory.services).toMatchObject([{ verdict: "unknown", failure: { code: "ledger-item-unreadable" } }]);
    expect(inventory.unreadable).toMatchObject([spoiled, { pk: "FLEET" }]);
    const text = inventoryText(inventory, terminalOf(out, environment));
    expect(text).toContain("x / STATE can't be read: shape: 7 If a later version");
    expect(text).toContain("Never delete it: services that were taken out of the mesh would join it again.");
  });
});
