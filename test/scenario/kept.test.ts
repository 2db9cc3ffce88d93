import { describe, expect, it } from "vitest";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { ENROLL, IMAGE, NAMESPACE } from "./support/fleets.ts";
import { eventsOf, expectAtRest, pinnedSecret, secretValue, tagsOf } from "./support/inspect.ts";
import { bothRoots, newRoot, onFleet } from "./support/rollouts.ts";

describe("a service in the mesh that would be refused today", () => {
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
