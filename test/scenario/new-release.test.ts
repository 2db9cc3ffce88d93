import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { objectAt } from "../../shared/base/json-fields.ts";
import { inject } from "../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { remove } from "../../shared/data-plane/ztunnel/task-definition/remove.ts";
import { settingsHash } from "../../shared/enrollment/settings-hash.ts";
import type { Rollout } from "../../shared/model/rollout.ts";
import { containersOf } from "../../shared/model/task-definition.ts";
import { earlierRelease } from "../support/releases.ts";
import { ENROLL, released } from "./support/fleets.ts";
import { containerOf, eventsOf, outcomesOf, waitsFor } from "./support/inspect.ts";
import { type FleetDriver, onFleet, QUICK } from "./support/rollouts.ts";

/** The release is deployed in a freeze window, so that only sweeps could change the fleet until half past two. */
const FREEZE = { ...QUICK, freezeWindows: [{ cron: "0 12 * * *", durationMinutes: 150 }] } as const;

const EARLIER = { interval: 30, startTimeout: undefined, essential: false, waits: ["ztunnel: START"] };
const NOW = { interval: 5, startTimeout: 120, essential: true, waits: ["ztunnel: HEALTHY"] };

/** The members of the running sidecar that differ between the two releases. */
async function builtFor(driver: FleetDriver, arn: string) {
  const name = driver.serviceOf(arn);
  const { healthCheck, startTimeout, essential } = await containerOf(driver, name, "ztunnel");
  const { interval } = objectAt({ ...(healthCheck && { healthCheck }) }, "healthCheck");
  return { interval, startTimeout, essential, waits: await waitsFor(driver, name, "web") };
}

const builtForAll = (driver: FleetDriver) => Promise.all(driver.arns.map((arn) => builtFor(driver, arn)));

async function reconfigure(driver: FleetDriver): Promise<Rollout> {
  const [only, ...others] = (await driver.rollouts()).filter(({ kind }) => kind === "reconfigure");
  expect(others).toEqual([]);
  if (!only) throw new Error("there is no reconfigure rollout");
  return only;
}

/** The definition with other members of the ztunnel container, as a pipeline might deploy it. */
function withZtunnel(definition: JsonObject, members: JsonObject): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    one.name === "ztunnel" ? { ...one, ...members } : one,
  );
  return { ...definition, containerDefinitions };
}

describe("a release that builds another sidecar", () => {
  const earlier = { build: earlierRelease };

  it("reaches the fleet in waves, never by sweeps; afterwards a pipeline's change is corrected at once", () =>
    onFleet({ services: 12, rollout: FREEZE, earlier }, async (driver) => {
      const [dropped = "", copied = "", reenrolled = "", ...others] = driver.arns;
      expect(await builtForAll(driver)).toEqual(driver.arns.map(() => EARLIER));
      const before = driver.revisions();
      await driver.minutes(60);
      // Several sweeps have reconciled every service.
      expect(driver.lab.rolls()).toEqual([]);
      expect(driver.revisions()).toEqual(before);
      expect(await reconfigure(driver)).toMatchObject({ status: "frozen", requestedBy: "ztunnel-autopilot" });

      // A deployment with the earlier release's sidecar has only drift that waits for the rollout.
      const kept = released(await driver.definitionOf(driver.serviceOf(copied)), "web", "shop/web:2");
      const keptRevision = await driver.deploy(driver.serviceOf(copied), kept);
      // A service's own drift is corrected at once, and an enrollment uses the new release.
      await driver.deploy(driver.serviceOf(dropped), remove(await driver.definitionOf(driver.serviceOf(dropped))));
      await driver.untag(driver.serviceOf(reenrolled), ENROLL);
      await driver.until("it is unenrolled", 10, async () => !(await driver.inMesh(driver.serviceOf(reenrolled))));
      await driver.tag(driver.serviceOf(reenrolled), { [ENROLL]: "true" });
      await driver.minutes(40);
      expect(await builtFor(driver, dropped)).toEqual(NOW);
      expect(await builtFor(driver, reenrolled)).toEqual(NOW);
      expect(driver.runningRevision(copied)).toBe(keptRevision);
      for (const arn of [copied, ...others]) expect(outcomesOf(driver, driver.serviceOf(arn))).toEqual([]);

      const { id } = await reconfigure(driver);
      const done = await driver.untilStatus("completed", id);
      expect(done.waves.map(({ name }) => name)).toEqual([
        "canary",
        "us-east-1 100%",
        "us-west-2 100%",
        "eu-west-1 100%",
      ]);
      for (const [index, { startedAt = "" }] of done.waves.entries()) {
        expect(startedAt >= (done.waves[index - 1]?.finishedAt ?? "2026-01-05T14:30")).toBe(true);
      }
      expect(await driver.counts(id)).toEqual({ succeeded: 10, skipped: 2 });
      expect(await builtForAll(driver)).toEqual(driver.arns.map(() => NOW));
      expect((await containerOf(driver, driver.serviceOf(copied), "web")).image).toBe("shop/web:2");
      expect((await driver.lab.ledger.getFleet()).settings).toBe(settingsHash(driver.lab.config));

      const after = driver.revisions();
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(after);
      for (const arn of others) expect(outcomesOf(driver, driver.serviceOf(arn))).toEqual(["succeeded"]);
      const [own = ""] = others;
      const revision = await driver.definitionOf(driver.serviceOf(own));
      await driver.deploy(driver.serviceOf(own), withZtunnel(revision, { startTimeout: 10 }));
      await driver.until("it is corrected", 10, async () => (await builtFor(driver, own)).startTimeout === 120);
      await driver.minutes(10);
      expect(eventsOf(driver, driver.serviceOf(own)).at(-1)).toMatchObject({
        type: "Service Updated",
        detail: { drift: ["health-check"] },
      });
      expect(await driver.leftovers()).toEqual([]);
      expect(await reconfigure(driver)).toMatchObject({ id, status: "completed" });
    }));

  it("can be rolled back like any rollout, and no sweep applies it again", () =>
    onFleet({ services: 9, earlier }, async (driver) => {
      const before = driver.revisions();
      const { id } = await reconfigure(driver);
      await driver.untilWave(1, "rolling", id);
      await driver.command("rollback", id);
      await driver.untilStatus("rolled-back", id);
      expect(driver.revisions()).toEqual(before);
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      expect(await builtForAll(driver)).toEqual(driver.arns.map(() => EARLIER));
      expect(await driver.leftovers()).toEqual([]);
    }));
});

describe("a release that only changes the settings' hash", () => {
  /** A recorded hash of an earlier release, which didn't include the built sidecar. */
  const earlier = { build: inject, settings: "0f".repeat(32) };

  it("starts one rollout that finds every service as desired, and changes nothing", () => {
    const calls: string[] = [];
    const onFunctionCall = (call: string) => void calls.push(call);
    return onFleet({ services: 12, earlier, onFunctionCall }, async (driver) => {
      const before = driver.revisions();
      calls.length = 0;
      const { id } = await reconfigure(driver);
      await driver.untilStatus("completed", id);
      expect(await driver.counts(id)).toEqual({ skipped: 12 });
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      // The mark beside the ledger follows it.
      const written = calls.filter((call) => /\.(Update|Register|Put(?!Events)|Create|Tag|Untag)/.test(call));
      expect(written.filter((call) => call !== "ssm.PutParameter")).toEqual([]);
      const own = driver.lab.eventBridge.log().filter(({ event }) => event.source === "ztunnel-autopilot");
      expect(new Set(own.map(({ event }) => event["detail-type"]))).toEqual(
        new Set(["Rollout Started", "Service Roll Superseded", "Rollout Wave Completed", "Rollout Completed"]),
      );
      // The channel has one message. The messages about the waves are in its thread.
      expect(driver.lab.slack.messages().filter(({ threadTs }) => threadTs === undefined)).toMatchObject([
        { text: expect.stringContaining("12 services: 0 done, 12 skipped") },
      ]);
      expect(driver.lab.logs.filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line))).toEqual([]);
      expect((await driver.lab.ledger.getFleet()).settings).toBe(settingsHash(driver.lab.config));
      expect(await driver.leftovers()).toEqual([]);
    });
  });
});
