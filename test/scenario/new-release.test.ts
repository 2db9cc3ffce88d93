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
import { type FleetStage, onFleet, QUICK } from "./support/rollouts.ts";
import { containerOf, eventsOf, outcomesOf, waitsFor } from "./support/witness.ts";

/** The release comes within a freeze window: sweeps have the fleet for themselves until half past two. */
const FREEZE = { ...QUICK, freezeWindows: [{ cron: "0 12 * * *", durationMinutes: 150 }] } as const;

const EARLIER = { interval: 30, startTimeout: undefined, essential: false, waits: ["ztunnel: START"] };
const NOW = { interval: 5, startTimeout: 120, essential: true, waits: ["ztunnel: HEALTHY"] };

/** What the two releases build otherwise, as the service runs it. */
async function builtFor(stage: FleetStage, arn: string) {
  const name = stage.name(arn);
  const { healthCheck, startTimeout, essential } = await containerOf(stage, name, "ztunnel");
  const { interval } = objectAt({ ...(healthCheck && { healthCheck }) }, "healthCheck");
  return { interval, startTimeout, essential, waits: await waitsFor(stage, name, "web") };
}

const builtForAll = (stage: FleetStage) => Promise.all(stage.arns.map((arn) => builtFor(stage, arn)));

async function reconfigure(stage: FleetStage): Promise<Rollout> {
  const [only, ...others] = (await stage.rollouts()).filter(({ kind }) => kind === "reconfigure");
  expect(others).toEqual([]);
  if (!only) throw new Error("there is no reconfigure rollout");
  return only;
}

/** The ztunnel container changed, as a pipeline might. */
function withZtunnel(definition: JsonObject, members: JsonObject): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    one.name === "ztunnel" ? { ...one, ...members } : one,
  );
  return { ...definition, containerDefinitions };
}

describe("a release that builds the sidecar otherwise", () => {
  const earlier = { build: earlierRelease };

  it("reaches the fleet in waves, never by sweeps; afterwards a pipeline's own change is corrected at once", () =>
    onFleet({ services: 12, rollout: FREEZE, earlier }, async (stage) => {
      const [dropped = "", copied = "", anew = "", ...others] = stage.arns;
      expect(await builtForAll(stage)).toEqual(stage.arns.map(() => EARLIER));
      const before = stage.revisions();
      await stage.minutes(60);
      // Several sweeps have seen every service.
      expect(stage.lab.rolls()).toEqual([]);
      expect(stage.revisions()).toEqual(before);
      expect(await reconfigure(stage)).toMatchObject({ status: "frozen", requestedBy: "ztunnel-autopilot" });

      // A pipeline that keeps the sidecar of the earlier release brings nothing that would not wait.
      const kept = released(await stage.definitionOf(stage.name(copied)), "web", "shop/web:2");
      const keptRevision = await stage.deploy(stage.name(copied), kept);
      // What is the service's own is corrected at once, and what is enrolled is enrolled by this release.
      await stage.deploy(stage.name(dropped), remove(await stage.definitionOf(stage.name(dropped))));
      await stage.untag(stage.name(anew), ENROLL);
      await stage.until("it has left the mesh", 10, async () => !(await stage.inMesh(stage.name(anew))));
      await stage.tag(stage.name(anew), { [ENROLL]: "true" });
      await stage.minutes(40);
      expect(await builtFor(stage, dropped)).toEqual(NOW);
      expect(await builtFor(stage, anew)).toEqual(NOW);
      expect(stage.running(copied)).toBe(keptRevision);
      for (const arn of [copied, ...others]) expect(outcomesOf(stage, stage.name(arn))).toEqual([]);

      const { id } = await reconfigure(stage);
      const done = await stage.is("completed", id);
      expect(done.waves.map(({ name }) => name)).toEqual([
        "canary",
        "us-east-1 100%",
        "us-west-2 100%",
        "eu-west-1 100%",
      ]);
      for (const [index, { startedAt = "" }] of done.waves.entries()) {
        expect(startedAt >= (done.waves[index - 1]?.finishedAt ?? "2026-01-05T14:30")).toBe(true);
      }
      expect(await stage.counts(id)).toEqual({ succeeded: 10, skipped: 2 });
      expect(await builtForAll(stage)).toEqual(stage.arns.map(() => NOW));
      expect((await containerOf(stage, stage.name(copied), "web")).image).toBe("shop/web:2");
      expect((await stage.lab.ledger.getFleet()).settings).toBe(settingsHash(stage.lab.config));

      const after = stage.revisions();
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(after);
      for (const arn of others) expect(outcomesOf(stage, stage.name(arn))).toEqual(["succeeded"]);
      const [own = ""] = others;
      const revision = await stage.definitionOf(stage.name(own));
      await stage.deploy(stage.name(own), withZtunnel(revision, { startTimeout: 10 }));
      await stage.until("it is corrected", 10, async () => (await builtFor(stage, own)).startTimeout === 120);
      await stage.minutes(10);
      expect(eventsOf(stage, stage.name(own)).at(-1)).toMatchObject({
        type: "Service Updated",
        detail: { drift: ["health-check"] },
      });
      expect(await stage.leftovers()).toEqual([]);
      expect(await reconfigure(stage)).toMatchObject({ id, status: "completed" });
    }));

  it("is taken back like any rollout, and no sweep brings it again", () =>
    onFleet({ services: 9, earlier }, async (stage) => {
      const before = stage.revisions();
      const { id } = await reconfigure(stage);
      await stage.wave(1, "rolling", id);
      await stage.say("rollback", id);
      await stage.is("rolled-back", id);
      expect(stage.revisions()).toEqual(before);
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(before);
      expect(await builtForAll(stage)).toEqual(stage.arns.map(() => EARLIER));
      expect(await stage.leftovers()).toEqual([]);
    }));
});

describe("a release that only hashes the settings otherwise", () => {
  /** As they were recorded before what is built was hashed. */
  const earlier = { build: inject, settings: "0f".repeat(32) };

  it("asks for one rollout that finds every service as desired: nothing is changed, and nobody is called", () => {
    const calls: string[] = [];
    const onFunctionCall = (call: string) => void calls.push(call);
    return onFleet({ services: 12, earlier, onFunctionCall }, async (stage) => {
      const before = stage.revisions();
      calls.length = 0;
      const { id } = await reconfigure(stage);
      await stage.is("completed", id);
      expect(await stage.counts(id)).toEqual({ skipped: 12 });
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(before);
      expect(calls.filter((call) => /\.(Update|Register|Put(?!Events)|Create|Tag|Untag)/.test(call))).toEqual([]);
      const own = stage.lab.eventBridge.log().filter(({ event }) => event.source === "ztunnel-autopilot");
      expect(new Set(own.map(({ event }) => event["detail-type"]))).toEqual(
        new Set(["Rollout Started", "Service Roll Superseded", "Rollout Wave Completed", "Rollout Completed"]),
      );
      // One message in the channel, and what is said of its waves in its thread.
      expect(stage.lab.slack.messages().filter(({ threadTs }) => threadTs === undefined)).toMatchObject([
        { text: expect.stringContaining("12 services: 0 done, 12 skipped") },
      ]);
      expect(stage.lab.logs.filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line))).toEqual([]);
      expect((await stage.lab.ledger.getFleet()).settings).toBe(settingsHash(stage.lab.config));
      expect(await stage.leftovers()).toEqual([]);
    });
  });
});
