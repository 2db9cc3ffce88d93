import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { bothRoots, type FleetStage, newRoot, oldRoot, onFleet, QUICK } from "./support/rollouts.ts";
import { pinnedSecret, secretValue } from "./support/witness.ts";

/** Which root CAs the service's ztunnel trusts, by the token that it starts from. */
async function trusts(stage: FleetStage, arn: string): Promise<string> {
  const at = stage.name(arn);
  const { secretArn, versionId } = await pinnedSecret(stage, at);
  const { caCert } = decodeToken(await secretValue(stage, at, secretArn, versionId));
  if (caCert.includes(oldRoot.trim()) && caCert.includes(newRoot.trim())) return "both";
  return caCert.includes(newRoot.trim()) ? "new" : "old";
}

const all = async (stage: FleetStage) => new Set(await Promise.all(stage.arns.map((arn) => trusts(stage, arn))));

const rotation = async (stage: FleetStage, number: number) => {
  const rotations = (await stage.rollouts()).filter(({ kind }) => kind === "rotate");
  return rotations[number]?.id;
};

describe("a rotation of the root CA", () => {
  it("goes in two phases over 3 regions and 2 accounts; the old root is retirable only when the last service trusts both", () =>
    onFleet({ services: 12 }, async (stage) => {
      expect(await all(stage)).toEqual(new Set(["old"]));
      stage.setRoot(bothRoots);
      await stage.until("a rotation begins", 15, async () => (await rotation(stage, 0)) !== undefined);
      const first = (await rotation(stage, 0)) ?? "";
      let mixed = 0;
      while ((await stage.rollout(first)).status !== "completed") {
        const trusted = await all(stage);
        if (trusted.has("old") && trusted.has("both")) mixed += 1;
        if (trusted.has("old")) expect(stage.events("Root CA Retirable")).toEqual([]);
        await stage.minutes(0.5);
      }
      expect(mixed).toBeGreaterThan(0);
      expect(await all(stage)).toEqual(new Set(["both"]));
      await stage.until("the old root is retirable", 15, () => stage.events("Root CA Retirable").length > 0);
      expect(stage.events("Root CA Changed")).toHaveLength(1);
      stage.setRoot(newRoot);
      await stage.until("a second rotation begins", 15, async () => (await rotation(stage, 1)) !== undefined);
      const second = (await rotation(stage, 1)) ?? "";
      await stage.is("completed", second);
      expect(await all(stage)).toEqual(new Set(["new"]));
      await stage.minutes(40);
      expect(stage.events("Root CA Retirable")).toHaveLength(1);
      expect(stage.events("Root CA Changed")).toHaveLength(2);
      expect(await stage.rollouts()).toHaveLength(2);
      // Two rolls each: nobody was rolled in between.
      for (const arn of stage.arns) expect(stage.rollsOf(stage.name(arn))).toHaveLength(2);
      expect(await stage.leftovers()).toEqual([]);
      // Nobody was cut off in either phase.
      for (const changed of stage.events("Root CA Changed")) expect(changed.cutOff).toBeUndefined();
    }));

  it("whose old root was dropped early says how many tasks are cut off, and goes at its usual pace unless told otherwise", () =>
    onFleet({ services: 9, desiredCount: 2, rollout: { ...QUICK, bakeMinutes: 30 } }, async (stage) => {
      stage.setRoot(newRoot);
      await stage.until("a rotation begins", 15, async () => (await rotation(stage, 0)) !== undefined);
      const [changed] = stage.events("Root CA Changed");
      expect(changed?.cutOff).toMatchObject({ tasks: 18, services: 9 });
      const id = (await rotation(stage, 0)) ?? "";
      await stage.is("completed", id, 600);
      expect((await stage.rollout(id)).emergency).toBe(true);
      expect((await stage.rollout(id)).waves[0]?.name).toBe("canary");
      const [first, second] = (await stage.rollout(id)).waves;
      expect(Date.parse(second?.startedAt ?? "") - Date.parse(first?.startedAt ?? "")).toBeGreaterThan(30 * 60_000);
      expect(await all(stage)).toEqual(new Set(["new"]));
      const text = stage.lab.slack
        .messages()
        .map((message) => JSON.stringify(message))
        .join("\n");
      expect(text).toContain("18 running tasks in 9 services");
    }));

  it("whose old root was dropped early goes in wider waves and without a bake where the policy has an emergency pace", () => {
    const rollout = { canaryCount: 2, waves: [10, 50, 100], bakeMinutes: 30, emergency: {} };
    return onFleet({ services: 12, rollout }, async (stage) => {
      stage.setRoot(newRoot);
      await stage.until("a rotation begins", 15, async () => (await rotation(stage, 0)) !== undefined);
      const id = (await rotation(stage, 0)) ?? "";
      const done = await stage.is("completed", id, 30);
      expect(done.waves.map(({ name }) => name)).toEqual(["canary", "all regions 100%"]);
      expect(await all(stage)).toEqual(new Set(["new"]));
    });
  });

  it("by a bundle that is none, or that shrinks to nothing, is refused: nothing changes", () =>
    onFleet({ services: 3 }, async (stage) => {
      const before = stage.revisions();
      for (const pem of ["", "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"]) {
        stage.setRoot(pem);
        await stage.minutes(20);
      }
      expect(await stage.rollouts()).toEqual([]);
      expect(stage.revisions()).toEqual(before);
      expect(stage.events("Root CA Changed")).toEqual([]);
      stage.setRoot(oldRoot);
      await stage.minutes(20);
      expect(await stage.rollouts()).toEqual([]);
    }));

  it("keeps the secret versions that the way back needs, through every sweep", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 90 } }, async (stage) => {
      const before = stage.revisions();
      stage.setRoot(bothRoots);
      await stage.until("a rotation begins", 15, async () => (await rotation(stage, 0)) !== undefined);
      const id = (await rotation(stage, 0)) ?? "";
      await stage.is("completed", id, 600);
      await stage.minutes(26 * 60);
      await stage.say("rollback", id);
      await stage.is("rolled-back", id);
      expect(stage.revisions()).toEqual(before);
      expect(await all(stage)).toEqual(new Set(["old"]));
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(before);
      for (const secret of stage.lab.secrets.state()) {
        const stages = isJsonObject(secret.VersionIdsToStages) ? Object.values(secret.VersionIdsToStages) : [];
        expect(stages.length).toBeGreaterThan(0);
      }
      expect(await stage.leftovers()).toEqual([]);
    }));
});
