import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../shared/base/json.ts";
import { DISCOVERY_TAG, eventSources } from "../../../shared/base/vocabulary.ts";
import { bothRoots, type FleetDriver, NEW_IMAGE, newRoot, OLD_IMAGE, onFleet } from "../support/rollouts.ts";

/** Calls take time, and nothing runs but what a test begins. */
const scenario = { services: 3, latency: true, schedules: false } as const;

/** The event as it is delivered twice at once, and once again later. */
async function delivered(driver: FleetDriver, functionName: string, event: JsonObject): Promise<void> {
  const { lab } = driver;
  await Promise.all([lab.lambda.invoke(functionName, event), lab.lambda.invoke(functionName, event)]);
  await driver.minutes(3);
  await lab.lambda.invoke(functionName, event);
}

function asked(driver: FleetDriver, detailType: string, detail: JsonObject, id = "one"): JsonObject {
  const { homeAccount: account, homeRegion: region } = driver.lab.config;
  const time = new Date(driver.lab.clock.now()).toISOString();
  const about = { version: "0", id, account, region, time, resources: [], source: eventSources.operator };
  return { ...about, "detail-type": detailType, detail };
}

describe("an operator's request that is refused, delivered twice at once and again", () => {
  it.each<[string, string, string, JsonObject]>([
    [
      "an image that is not allowed",
      "rollout/request",
      "Rollout Requested",
      { rolloutId: "upgrade-one", kind: "upgrade", image: "evil.example/x:1", requestedBy: "ann" },
    ],
    ["no request at all", "rollout/request", "Rollout Requested", { kind: "nothing" }],
    [
      "a control of an unknown rollout",
      "rollout/control",
      "Rollout Control",
      { rolloutId: "upgrade-no", action: "pause", requestedBy: "ann" },
    ],
    ["no control at all", "rollout/control", "Rollout Control", { action: "dance" }],
    ["a release of nothing", "rollout/control", "Release Requested", { requestedBy: "ann" }],
  ])("is refused by one event: %s", (_what, functionName, detailType, detail) =>
    onFleet(scenario, async (driver) => {
      await delivered(driver, functionName, asked(driver, detailType, detail));
      expect(driver.events("Rollout Refused")).toHaveLength(1);
      // The same words in another event are another request.
      await driver.lab.lambda.invoke(functionName, asked(driver, detailType, { ...detail, rolloutId: "other" }, "two"));
      expect(driver.events("Rollout Refused")).toHaveLength(2);
    }),
  );
});

describe("a request under the id of another rollout", () => {
  const upgrade = { rolloutId: "upgrade-one", kind: "upgrade", image: NEW_IMAGE, requestedBy: "ann" } as const;
  const sent = async (driver: FleetDriver, detail: JsonObject, id: string) => {
    await delivered(driver, "rollout/request", asked(driver, "Rollout Requested", detail, id));
    return driver.events("Rollout Refused").map(({ code, detail: why }) => [code, why]);
  };

  it("is refused where it asks for something else, or the other one was refused; a repetition is not", () =>
    onFleet(scenario, async (driver) => {
      expect(await sent(driver, upgrade, "one")).toEqual([]);
      expect(await sent(driver, upgrade, "two")).toEqual([]);
      const other = { ...upgrade, image: OLD_IMAGE };
      const inUse = [
        "invalid-request",
        "rolloutId: upgrade-one is another rollout's: leave it out, or choose another.",
      ];
      expect(await sent(driver, other, "three")).toEqual([inUse]);
      expect((await driver.rollout()).target).toEqual({ image: NEW_IMAGE });
      const bad = { ...upgrade, rolloutId: "upgrade-two", image: "evil.example/x:1" };
      expect(await sent(driver, bad, "four")).toHaveLength(2);
      // The operator has corrected it, and uses its id again.
      expect(await sent(driver, { ...bad, image: NEW_IMAGE }, "five")).toHaveLength(3);
      expect((await driver.rollout("upgrade-two")).status).toBe("refused");
    }));
});

describe("two watches of the root CA at once, and one later", () => {
  const watches = (driver: FleetDriver) => delivered(driver, "watch-root-ca", {});

  it("notify once of another bundle, and of tasks that are cut off", () =>
    onFleet(scenario, async (driver) => {
      await driver.lab.lambda.invoke("watch-root-ca", {});
      driver.setRootCa(bothRoots);
      await watches(driver);
      expect(driver.events("Root CA Changed")).toHaveLength(1);
      driver.setRootCa(newRoot);
      await watches(driver);
      expect(driver.events("Root CA Changed")).toHaveLength(2);
    }));

  it("notify once of each stage of a rotation", () =>
    onFleet({ ...scenario, services: 1 }, async (driver) => {
      await driver.lab.lambda.invoke("watch-root-ca", {});
      driver.setRootCa(bothRoots);
      await driver.lab.lambda.invoke("watch-root-ca", {});
      await driver.lab.lambda.invoke("rollout/request", {});
      await driver.minutes(60);
      await watches(driver);
      driver.signWith(newRoot);
      await watches(driver);
      await driver.minutes(120);
      await watches(driver);
      const stages = driver.events("Root CA Stage").map(({ stage }) => String(stage));
      expect(stages.length).toBeGreaterThan(0);
      expect(stages).toEqual([...new Set(stages)]);
      expect(driver.events("Root CA Retirable")).toHaveLength(1);
    }));
});

describe("two reconciles at once of a service that lacks what the mesh needs", () => {
  it("report once that its cluster has its discovery tag again", () =>
    onFleet(scenario, async (driver) => {
      const [arn = ""] = driver.arns;
      const { account, region, cluster } = driver.serviceOf(arn);
      const clusterArn = `arn:aws:ecs:${region}:${account}:cluster/${cluster}`;
      const lose = async () => {
        await driver.lab.call({ account, region }, "UntagResource", {
          resourceArn: clusterArn,
          tagKeys: [DISCOVERY_TAG],
        });
        await driver.minutes(10);
      };
      await lose();
      await delivered(driver, "sweep-services", {});
      expect(driver.events("Drift Corrected")).toHaveLength(1);
      await lose();
      await delivered(driver, "sweep-services", {});
      expect(driver.events("Drift Corrected")).toHaveLength(2);
    }));
});
