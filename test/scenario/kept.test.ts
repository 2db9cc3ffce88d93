import { describe, expect, it } from "vitest";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { ENROLL, IMAGE, NAMESPACE, SERVICE_ACCOUNT } from "./support/fleets.ts";
import { boundRole, eventsOf, expectAtRest, pinnedSecret, secretValue, tagsOf } from "./support/inspect.ts";
import { bothRoots, newRoot, OLD_IMAGE, onFleet } from "./support/rollouts.ts";

describe("a service in the mesh that would be refused today", () => {
  it("goes on with the role that its ztunnel has, after the configuration has named the other one", () =>
    onFleet({ services: 3, identityRole: "execution" }, async (driver) => {
      const [arn = ""] = driver.arns;
      const tags = tagsOf(driver, driver.serviceOf(arn));
      const bound = () => boundRole(driver, "mesh", tags[NAMESPACE] ?? "", tags[SERVICE_ACCOUNT] ?? "");
      const before = bound();
      expect(before).toBeDefined();
      driver.setRootCa(bothRoots);
      await driver.until("the rotation has ended", 120, async () => {
        const [rotation] = await driver.rollouts();
        return rotation?.status === "completed";
      });
      const [{ id } = { id: "" }] = await driver.rollouts();
      expect(await driver.counts(id)).toEqual({ succeeded: 3 });
      // Sweeps record what it holds: a binding that is not among that is taken away after a week.
      await driver.minutes(40);
      const state = await driver.state(driver.serviceOf(arn));
      expect(state?.held?.map(({ roleArn }) => roleArn)).toEqual([before]);
      expect(bound()).toBe(before);
      expect(new Set(driver.images())).toEqual(new Set([OLD_IMAGE]));
    }));

  it.each([
    ["an image that is not allowed", { [IMAGE]: "evil.example.com/ztunnel:1" }],
    ["a namespace that can be none", { [NAMESPACE]: "Not A Namespace" }],
    ["an enroll tag that is neither true nor false", { [ENROLL]: "yes" }],
    ["a key that means nothing", { "ztunnel-autopilot/imagge": "x" }],
  ])("is warned, and gets the new root CA by the rotation: %s", (_what, tags) =>
    onFleet({ services: 3, desiredCount: 2 }, async (driver) => {
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      const identity = tagsOf(driver, service)[NAMESPACE];
      await driver.tag(service, tags);
      await driver.minutes(2);
      expect(eventsOf(driver, service).map(({ type }) => type)).toEqual(["Service Warned"]);
      driver.setRootCa(bothRoots);
      const trusted = async () => {
        const { secretArn, versionId } = await pinnedSecret(driver, service);
        return decodeToken(await secretValue(driver, service, secretArn, versionId));
      };
      await driver.until("the service trusts both", 60, async () => (await trusted()).caCert.includes(newRoot.trim()));
      await driver.minutes(30);
      await expectAtRest(driver, service);
      expect(await trusted()).toMatchObject({ namespace: identity });
      expect(tagsOf(driver, service)[NAMESPACE], "what istiod reads is what the token says").toBe(identity);
      expect(driver.rollsOf(service).map(({ outcome }) => outcome)).toEqual(["succeeded"]);
    }),
  );
});
