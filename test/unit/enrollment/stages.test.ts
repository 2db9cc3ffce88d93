import { describe, expect, it } from "vitest";
import { hasOwnKeys, stageKeys, stageRoleName } from "../../../shared/base/vocabulary.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import { decide } from "../../../shared/enrollment/decide.ts";
import { desiredOf, meshed } from "../../support/enrolled-services.ts";
import { config, observed, service } from "../../support/services.ts";

const input = {
  homeRegion: "us-east-1",
  homeAccount: "123456789012",
  accounts: [{ role: "arn:aws:iam::123456789012:role/istiod", domain: "ecs.internal" }],
  controlPlanes: [
    {
      name: "main",
      kubeconfigSecret: "kubeconfig",
      serves: [{ account: "123456789012", regions: ["us-east-1"] }],
    },
  ],
  ztunnel: { image: "registry.example.com/ztunnel:1.28.1" },
  allowedNamespaces: ["*"],
  slack: { secretName: "slack", channel: "#ops" },
};

/** What a stage's configuration says; the service that the production stage has enrolled, as the stage sees it. */
const dev = { ...config(), ...pick(parseConfig(input, "dev")) };
const produced = () => meshed(observed());

function pick({ stage, keys, enrollTagKey }: ReturnType<typeof parseConfig>) {
  return { stage, keys, enrollTagKey };
}

describe("the keys of a stage", () => {
  it.each([undefined, "prod", "production"])("are the common ones for %s", (stage) => {
    const { keys, enrollTagKey, memberRoleName } = parseConfig(input, stage);
    expect([keys.prefix, enrollTagKey, memberRoleName]).toEqual([
      "ztunnel-autopilot/",
      "ztunnel-autopilot/enroll",
      "ztunnel-autopilot-member",
    ]);
    expect(hasOwnKeys(stage)).toBe(false);
  });

  it("have the stage's name for every other one, except for what istiod reads", () => {
    const { keys, enrollTagKey, memberRoleName } = parseConfig(input, "dev");
    const own = Object.values(keys.tags).filter((key) => !key.startsWith("ecs.solo.io/"));
    expect(own).toHaveLength(6);
    for (const key of [keys.prefix, enrollTagKey, ...own]) expect(key).toMatch(/^ztunnel-autopilot-dev\//);
    expect(memberRoleName).toBe("ztunnel-autopilot-dev-member");
    expect(keys.tags.namespace).toBe("ecs.solo.io/namespace");
  });

  it("are not changed by another enroll tag", () => {
    const { keys, enrollTagKey } = parseConfig({ ...input, enrollTagKey: "mesh/enroll" }, "dev");
    expect([keys, enrollTagKey]).toEqual([stageKeys("dev"), "mesh/enroll"]);
  });

  it.each([
    ["ztunnel-autopilot-member", "ztunnel-autopilot-dev-member"],
    ["platform/mesh-pilot-member", "platform/dev-mesh-pilot-member"],
    ["a/b/ztunnel-autopilot-x", "a/b/ztunnel-autopilot-dev-x"],
  ])("make of the member role %s the role %s", (name, expected) => {
    expect(stageRoleName(name, "dev")).toBe(expected);
    expect(stageRoleName(name, "prod")).toBe(name);
  });

  it("differ between any two stages, however alike their names are", () => {
    const stages = ["dev", "dev-2", "production-2", "enroll", "DEV", "a", "prod"];
    const prefixes = stages.map((stage) => stageKeys(stage).prefix);
    for (const one of prefixes) expect(prefixes.filter((other) => other.startsWith(one))).toEqual([one]);
  });
});

describe("a service that another stage has enrolled", () => {
  it("is left alone without the stage's own tag", () => {
    const seen = observed({ raw: produced(), config: dev });
    expect(decide(seen)).toMatchObject({ action: "none", reason: "not-enrolled" });
  });

  it("is taken over by the stage's own tag, with the stage's own secret", () => {
    const tags = {
      "ztunnel-autopilot-dev/enroll": "true",
      "ecs.solo.io/namespace": "shop",
      "ecs.solo.io/service-account": "web",
    };
    const seen = observed({ raw: produced(), config: dev, service: service({ tags }) });
    const decision = decide(seen);
    expect(decision).toMatchObject({ action: "update", drift: expect.arrayContaining(["token"]) });
    expect(desiredOf(decision)?.secret.secretName).toMatch(/^ztunnel-autopilot-dev\//);
  });
});
