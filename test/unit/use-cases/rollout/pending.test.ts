import { describe, expect, it } from "vitest";
import { settingsHash } from "../../../../shared/enrollment/settings-hash.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { Crash } from "../../../support/altered-calls.ts";
import { earlierRelease } from "../../../support/releases.ts";
import { config } from "../../../support/services.ts";
import { fleetTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";
import { readFacts } from "../../../support/testbeds/rollouts-under-way.ts";

const ask = (rolloutId: string, more: object = {}) => ({
  kind: "upgrade" as const,
  rolloutId,
  scope: {},
  image: "registry.example.com/ztunnel:2",
  why: "",
  requestedBy: "ann",
  overrides: {},
  ...more,
});

describe("a change of the whole fleet", () => {
  async function seen(parameter = "registry.example.com/ztunnel:1.28.1") {
    const { ztunnel } = rolloutTestbed().config;
    const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
    testbed.parameters.values.set("/image", parameter);
    await readFacts(testbed, "a");
    expect(await requestPending(testbed)).toEqual([]);
    return testbed;
  }

  it("is nothing when it is seen first: so it should be", async () => {
    const testbed = await seen();
    expect(await requestPending(testbed)).toEqual([]);
    expect(await testbed.ledger.getFleet()).toMatchObject({
      image: { image: "registry.example.com/ztunnel:1.28.1" },
      requestedFor: { factsIds: { main: expect.any(String) } },
    });
  });

  it("asks for a rotation when a control plane's facts have changed and come back between two runs", async () => {
    const testbed = await seen();
    await readFacts(testbed, "b", "2026-11-23T12:01:00.000Z");
    await readFacts(testbed, "a", "2026-11-23T12:02:00.000Z");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    const newest = (await testbed.ledger.getMesh("main"))?.generations.at(-1)?.id;
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "rotate", target: { factsId: newest } });
    expect(await requestPending(testbed)).toEqual([]);
  });

  describe("that is missing, since the image's parameter is gone after it was seen", () => {
    const OTHER = "registry.example.com/ztunnel:1.28.2";

    it("is not a wish for the configuration's image: it is refused once, until the parameter is there again", async () => {
      const testbed = await seen(OTHER);
      testbed.parameters.values.delete("/image");
      for (let run = 0; run < 3; run += 1) expect(await requestPending(testbed)).toEqual([]);
      expect(testbed.bus.events).toMatchObject([
        {
          detailType: "Rollout Refused",
          detail: { kind: "upgrade", code: "image-parameter-missing", detail: expect.stringContaining("/image") },
        },
      ]);
      expect((await testbed.ledger.getFleet()).image?.image).toBe(OTHER);
      testbed.parameters.values.set("/image", OTHER);
      expect(await requestPending(testbed)).toEqual([]);
      expect(await testbed.ledger.getFleet()).toMatchObject({
        image: { image: OTHER },
        requestedFor: { image: OTHER },
      });
      testbed.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.3");
      expect(await requestPending(testbed)).toHaveLength(1);
    });

    it("is the configuration's image once its parameter is taken out of the configuration: that confirms it", async () => {
      const testbed = await seen(OTHER);
      testbed.parameters.values.delete("/image");
      await requestPending(testbed);
      const { imageParameter: _, ...ztunnel } = testbed.config.ztunnel;
      const [id] = await requestPending({ ...testbed, config: { ...testbed.config, ztunnel } });
      expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ target: { image: ztunnel.image } });
    });

    it("is the configuration's image while nobody has written the parameter yet", async () => {
      const { ztunnel } = rolloutTestbed().config;
      const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
      await readFacts(testbed, "a");
      expect(await requestPending(testbed)).toEqual([]);
      expect((await testbed.ledger.getFleet()).image?.image).toBe(ztunnel.image);
      const moved = { ...testbed.config, ztunnel: { ...testbed.config.ztunnel, image: OTHER } };
      expect(await requestPending({ ...testbed, config: moved })).toHaveLength(1);
      expect(testbed.bus.events.map(({ detailType }) => detailType)).not.toContain("Rollout Refused");
    });
  });

  it("asks for one upgrade, even if it runs again", async () => {
    const testbed = await seen();
    testbed.parameters.values.set("/image", " registry.example.com/ztunnel:1.28.2\n");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "upgrade",
      target: { image: "registry.example.com/ztunnel:1.28.2" },
      requestedBy: "ztunnel-autopilot",
    });
  });

  it("asks for one more when it changes again, and for another when it changes back", async () => {
    const testbed = await seen();
    const ids = [];
    for (const tag of ["1.28.2", "1.28.3", "1.28.2"]) {
      testbed.parameters.values.set("/image", `registry.example.com/ztunnel:${tag}`);
      ids.push(...(await requestPending(testbed)));
    }
    expect(new Set(ids).size).toBe(3);
    expect(await testbed.ledger.getFleet()).toMatchObject({ currentRolloutId: ids[0], queuedRolloutIds: [ids[2]] });
  });

  it("refuses an invalid image, once, and asks for nothing", async () => {
    const testbed = await seen();
    testbed.parameters.values.set("/image", "not an image!");
    expect(await requestPending(testbed)).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(testbed.bus.events).toHaveLength(1);
    expect(testbed.bus.events[0]).toMatchObject({
      detailType: "Rollout Refused",
      detail: { code: "invalid-image", detail: expect.stringContaining("not an image!") },
    });
  });

  it("refuses it once although two runs see it at the same time, and later where the run that did has died", async () => {
    const testbed = await seen();
    testbed.parameters.values.set("/image", "not an image!");
    const bus = { putEvents: () => Promise.reject(new Crash("it dies")) };
    await expect(requestPending({ ...testbed, bus })).rejects.toThrow(Crash);
    testbed.clock.nowMs += 60_000;
    await Promise.all([requestPending(testbed), requestPending(testbed)]);
    await requestPending(testbed);
    expect(testbed.bus.types()).toEqual(["Rollout Refused"]);
  });

  it("refuses an image that is newer than istiod, once, and asks for it when istiod has its version", async () => {
    const testbed = await seen();
    const newer = "registry.example.com/ztunnel:1.29.0";
    testbed.parameters.values.set("/image", newer);
    expect(await requestPending(testbed)).toEqual([]);
    expect(await requestPending(testbed)).toEqual([]);
    expect(testbed.bus.events).toMatchObject([
      { detailType: "Rollout Refused", detail: { code: "version-skew", detail: expect.stringContaining(newer) } },
    ]);
    await readFacts(testbed, "a", "2026-11-23T12:01:00.000Z", "1.29.2");
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "upgrade", target: { image: newer } });
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("refuses an operator's upgrade to an image that is newer than an istiod of its scope", async () => {
    const testbed = await seen();
    const newer = ask("up-newer", { image: "registry.example.com/ztunnel:1.29.0" });
    expect(await requestRollout(newer, "e1", testbed)).toEqual({
      did: "refused",
      rolloutId: "up-newer",
      code: "version-skew",
    });
    const elsewhere = ask("up-elsewhere", { ...newer, rolloutId: "up-elsewhere", scope: { regions: ["ap-*"] } });
    expect(await requestRollout(elsewhere, "e2", testbed)).toMatchObject({ did: "queued" });
    const lenient = {
      ...testbed,
      config: { ...testbed.config, policy: { ...testbed.config.policy, versionSkew: "warn" as const } },
    };
    expect(await requestRollout({ ...newer, rolloutId: "up-lenient" }, "e3", lenient)).toMatchObject({ did: "queued" });
  });

  it("asks for a rotation of a control plane's services, as an emergency only where no root is left of those they trust", async () => {
    const testbed = await seen();
    await readFacts(testbed, "ab", "2026-11-23T12:01:00.000Z");
    const [both] = await requestPending(testbed);
    expect(await testbed.ledger.getRollout(both ?? "")).toMatchObject({
      kind: "rotate",
      scope: { controlPlane: "main" },
      emergency: false,
    });
    await readFacts(testbed, "d", "2026-11-23T12:02:00.000Z");
    await testbed.ledger.changeMesh("main", (mesh) => ({
      next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
    }));
    await requestPending(testbed);
    await readFacts(testbed, "D", "2026-11-23T12:03:00.000Z");
    const [renewed] = await requestPending(testbed);
    expect(await testbed.ledger.getRollout(renewed ?? "")).toMatchObject({ kind: "rotate", emergency: false });
    const early = await seen();
    await readFacts(early, "b", "2026-11-23T12:01:00.000Z");
    const [dropped] = await requestPending(early);
    expect(await early.ledger.getRollout(dropped ?? "")).toMatchObject({ kind: "rotate", emergency: true });
  });

  it("asks to reconfigure when the sidecar's settings change", async () => {
    const testbed = await seen();
    const { ztunnel } = testbed.config;
    const changed = {
      ...testbed,
      config: { ...testbed.config, ztunnel: { ...ztunnel, healthCheckCommand: ["true"] } },
    };
    const [id] = await requestPending(changed);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({ kind: "reconfigure" });
    expect(await requestPending(changed)).toEqual([]);
  });

  it.each([
    ["an earlier release built the sidecar otherwise", settingsHash(config(), earlierRelease)],
    ["an earlier release hashed the settings otherwise", "0f".repeat(32)],
  ])("asks to reconfigure, once, when %s", async (_what, settings) => {
    const testbed = await seen();
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, settings, requestedFor: { ...fleet.requestedFor, settings } },
    }));
    const [id, ...others] = await requestPending(testbed);
    expect(others).toEqual([]);
    expect(await testbed.ledger.getRollout(id ?? "")).toMatchObject({
      kind: "reconfigure",
      scope: {},
      target: { settings: settingsHash(testbed.config) },
    });
    expect(await requestPending(testbed)).toEqual([]);
  });
});
