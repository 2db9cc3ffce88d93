import { describe, expect, it } from "vitest";
import { accountSubject } from "../../../../shared/enrollment/claims.ts";
import { newClaim, withHolder } from "../../../../shared/model/claim.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { ACCOUNT, serviceNamed, web } from "../../../support/arns.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";

const ROLE = `arn:aws:iam::${ACCOUNT}:role/web-task`;
const SUBJECT = accountSubject("main", "shop", "web");
const DAY_MS = 24 * 3_600_000;

const run = (testbed: RollTestbed, changes: object = {}) =>
  sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, ...changes });

/** A bound service account that no service has had for eight days, by what the sweeps know. */
async function ripe(): Promise<RollTestbed> {
  const testbed = await watchedTestbed({ service: { tags: {} } });
  testbed.plane.namespaces.add("shop");
  testbed.plane.bound.set("shop/web", ROLE);
  await testbed.ledger.changeClaim(SUBJECT, () => ({ next: withHolder(newClaim(SUBJECT), ROLE, web.serviceArn) }));
  await run(testbed);
  testbed.clock.nowMs += 8 * DAY_MS;
  return testbed;
}

describe("an identity that no service has had for a week", () => {
  it("is unbound", async () => {
    const testbed = await ripe();
    await run(testbed);
    expect(testbed.plane.bound.has("shop/web")).toBe(false);
  });

  it("stays bound for a roll that claims it while the sweep goes on", async () => {
    const testbed = await ripe();
    const listServices = async function* (...args: Parameters<typeof testbed.ledger.listServices>) {
      yield* testbed.ledger.listServices(...args);
      await testbed.ledger.changeClaim(SUBJECT, (claim) => ({
        next: withHolder(claim ?? newClaim(SUBJECT), ROLE, serviceNamed("api").serviceArn),
      }));
    };
    await run(testbed, { ledger: { ...testbed.ledger, listServices } });
    expect(testbed.plane.bound.get("shop/web")).toBe(ROLE);
    expect((await testbed.ledger.getClaim(SUBJECT))?.holders[ROLE]?.unneededSinceMs).toBeUndefined();
  });
});
