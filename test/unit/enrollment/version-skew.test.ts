import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecisionInput, decide } from "../../../shared/enrollment/decide.ts";
import { versionSkew } from "../../../shared/enrollment/version-skew.ts";
import { desiredOf, meshed, reasonsOf } from "../../support/enrolled-services.ts";
import { config, enrolled, facts, observed, rootPem, service } from "../../support/services.ts";

const image = (version: string) => `registry.example.com/ztunnel:${version}`;
const fleetOf = (version: string) => config({ ztunnel: { image: image(version) } });

/** In the mesh with the image that the configuration of `observed` has: 1.28.1, beside istiod 1.28. */
const inMesh = (changes: Parameters<typeof observed>[0]): DecisionInput =>
  observed({ raw: meshed(observed()), ...changes });

describe("an image that is newer than istiod", () => {
  it("is refused for a service that is not in the mesh, by its tag or as the fleet's", () => {
    expect(decide(observed({ config: fleetOf("1.29.0") }))).toEqual({
      action: "refuse",
      refusals: [{ reason: "version-skew", detail: `ztunnel 1.29, istiod 1.28. The image is ${image("1.29.0")}.` }],
    });
    const tags = { ...enrolled, "ztunnel-autopilot/image": image("1.29.0") };
    expect(reasonsOf(decide(observed({ service: service({ tags }) })))).toEqual(["version-skew"]);
  });

  it("is taken with a warning where the policy says so, as an older one always is", () => {
    const lenient = config({ ztunnel: { image: image("1.29.0") }, policy: { versionSkew: "warn" } });
    const warned = { action: "enroll", warnings: [{ code: "version-skew" }] };
    expect(decide(observed({ config: lenient }))).toMatchObject(warned);
    expect(decide(observed({ config: fleetOf("1.27.9") }))).toMatchObject(warned);
    expect(decide(observed({ config: fleetOf("0.99.0") }))).toMatchObject(warned);
  });

  it("does not reach a service in the mesh, which stays as it is and follows rotations", () => {
    const kept = [{ code: "kept", detail: expect.stringContaining("version-skew: ztunnel 1.29, istiod 1.28.") }];
    for (const changes of [
      { config: fleetOf("1.29.0") },
      { service: service({ tags: { ...enrolled, "ztunnel-autopilot/image": image("1.29.0") } }) },
    ]) {
      expect(decide(inMesh(changes))).toMatchObject({ action: "none", reason: "as-desired", warnings: kept });
      const rotated = decide(inMesh({ ...changes, facts: { ...facts, rootCaPem: rootPem("b") }, rollout: {} }));
      expect(rotated).toMatchObject({ action: "update", drift: ["token"], warnings: kept });
      expect(desiredOf(rotated).image).toBe(image("1.28.1"));
    }
  });

  it("stays with a service that has it when istiod gets an older version, and follows rotations", () => {
    const older = { ...facts, istiodVersion: "1.27.0" };
    expect(decide(inMesh({ facts: older }))).toMatchObject({ action: "none", reason: "as-desired" });
    const rotated = decide(inMesh({ facts: { ...older, rootCaPem: rootPem("b") }, rollout: {} }));
    expect(rotated).toMatchObject({ action: "update", drift: ["token"] });
  });

  it("is refused of a rollout that brings it", () => {
    expect(reasonsOf(decide(inMesh({ rollout: { image: image("1.29.0") } })))).toEqual(["version-skew"]);
    expect(decide(inMesh({ rollout: { image: image("1.28.9") } }))).toMatchObject({ action: "update" });
  });
});

describe("a version skew", () => {
  it("compares the minor version as numbers", () => {
    const minor = fc.tuple(fc.nat(12), fc.nat(120));
    fc.assert(
      fc.property(minor, minor, fc.nat(9), ([aMajor, aMinor], [bMajor, bMinor], patch) => {
        const skew = versionSkew(image(`${aMajor}.${aMinor}.${patch}-solo`), `${bMajor}.${bMinor}.7`);
        const isSame = aMajor === bMajor && aMinor === bMinor;
        expect(skew?.isNewer).toBe(isSame ? undefined : aMajor * 1000 + aMinor > bMajor * 1000 + bMinor);
      }),
    );
  });
});
