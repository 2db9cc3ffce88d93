import { expect, it } from "vitest";
import { watchedWaysBack } from "../../../lab/campaign/ways-back.ts";
import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { desiredSecret } from "../../../shared/enrollment/desired.ts";
import { NAME, web } from "../../support/arns.ts";
import { factsWith } from "../../support/meshes.ts";
import { config } from "../../support/services.ts";
import { NOW } from "../../support/times.ts";

const MINUTE = 60_000;
const identity = { namespace: "shop", serviceAccount: "web", platform: "ecs", external: true } as const;
const { secretName, versionId } = desiredSecret(identity, factsWith("a"));
const SECRET = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${secretName}-AbCdEf:::${versionId}`;

/** The violations after a revert to a token with root a, minutes after the mesh got the bundle. */
async function revertedAfter(bundle: string, minutes: number): Promise<readonly string[]> {
  const clock = { nowMs: NOW };
  const { ledger, broken } = watchedWaysBack(memoryLedger(), config(), () => clock.nowMs);
  await ledger.putMeshFacts(factsWith("a"));
  clock.nowMs += 10 * MINUTE;
  await ledger.putMeshFacts(factsWith(bundle, { readAt: new Date(clock.nowMs).toISOString() }));
  clock.nowMs += minutes * MINUTE;
  await ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: clock.nowMs + MINUTE }, clock.nowMs);
  await ledger.updateRoll(web.serviceArn, NAME, { revertSecret: SECRET });
  return broken;
}

it("a revert to a root that nobody trusts is a violation, once a step could have known", async () => {
  expect(await revertedAfter("b", 10)).toEqual(["web is reverted to a root that nobody trusts"]);
  expect(await revertedAfter("b", 1)).toEqual([]);
  expect(await revertedAfter("ab", 10)).toEqual([]);
});
