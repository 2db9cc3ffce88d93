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
