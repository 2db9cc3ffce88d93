import { describe, expect, it } from "vitest";
import autopilotConfig from "../../autopilot.config.ts";
import { installRoles } from "../../lab/autopilot/roles.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { ownershipRecord } from "../../stacks/definitions/ownership.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { cart, cartFleet, enrollAs, guideFleet, NAMESPACE, SERVICE_ACCOUNT, shop } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const PREFIX = "ztunnel-autopilot-dev/";
const asDev = { [`${PREFIX}enroll`]: "true", [NAMESPACE]: "ecs-shop", [SERVICE_ACCOUNT]: "cart" };

const secretNames = ({ lab }: LabDriver) => lab.secrets.state().map(({ Name }) => String(Name));
const tokens = (driver: LabDriver) => secretNames(driver).filter((name) => name.includes("/ecs-shop/"));

async function runningDefinition(driver: LabDriver, of = cart): Promise<string> {
  const { services } = await driver.lab.call(of, "DescribeServices", { cluster: of.cluster, services: [of.name] });
  const [, revision = ""] = /"taskDefinition":"([^"]+)"/.exec(JSON.stringify(services)) ?? [];
  return JSON.stringify(await driver.lab.call(of, "DescribeTaskDefinition", { taskDefinition: revision }));
}

describe("a stage with its own keys", () => {
  it("enrolls, changes and unenrolls by its own tags and secrets, with roles that allow no others", () =>
    onLab({ fleet: cartFleet, stage: "dev" }, async (driver) => {
      await driver.tag(cart, asDev);
      await driver.until("the service is enrolled", 30, () => driver.ended(cart, "succeeded"));
      expect(tokens(driver)).toEqual([expect.stringMatching(/^ztunnel-autopilot-dev\//)]);
      expect(await runningDefinition(driver)).toContain(":secret:ztunnel-autopilot-dev/");

      await driver.tag(cart, { [`${PREFIX}proxy-env`]: "true" });
      await driver.minutes(30);
      expect(await runningDefinition(driver)).toContain("ALL_PROXY");

      await driver.tag(cart, { [`${PREFIX}imag`]: "x" });
      await driver.minutes(20);
      const texts = driver.lab.slack.messages().map(({ text }) => text);
      expect(JSON.stringify(driver.lab.slack.messages()) + texts.join("\n")).toContain(`${PREFIX}image`);
      await driver.untag(cart, `${PREFIX}imag`);

      await driver.untag(cart, `${PREFIX}enroll`);
      await driver.minutes(30);
      expect(await runningDefinition(driver)).not.toContain("ztunnel");
    }));

  it("reads no tag of another stage, a mistaken one least of all", () =>
    onLab({ fleet: cartFleet, stage: "dev" }, async (driver) => {
      await driver.tag(cart, { ...enrollAs("cart"), "ztunnel-autopilot/nonsense": "x" });
      await driver.minutes(60);
      expect(driver.lab.rolls()).toEqual([]);
      expect(driver.lab.slack.messages()).toEqual([]);
      expect(tokens(driver)).toEqual([]);
    }));

  it("leaves services of the common keys alone after its upgrade, until its own tag takes one over by one roll", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { lab } = driver;
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("the service is enrolled", 30, () => driver.ended(cart, "succeeded"));
      const before = await runningDefinition(driver);
      // The upgrade: the same ledger, other keys.
      const { stage, keys, enrollTagKey, memberRoleName } = parseConfig(autopilotConfig, "dev");
      Object.assign(lab.config, { stage, keys, enrollTagKey, memberRoleName });
      installRoles(lab.iam, lab.config);
      await driver.minutes(120);
      expect(await runningDefinition(driver)).toBe(before);
      expect(lab.rolls()).toHaveLength(1);

      await driver.tag(cart, asDev);
      await driver.minutes(60);
      expect(lab.rolls()).toHaveLength(1);
      await driver.untag(cart, "ztunnel-autopilot/enroll");
      await driver.minutes(60);
      expect(lab.rolls()).toHaveLength(2);
      expect(await runningDefinition(driver)).toContain(":secret:ztunnel-autopilot-dev/");
      expect(await runningDefinition(driver)).not.toContain(":secret:ztunnel-autopilot/");
    }));

  it("refuses a service that is tagged for another stage, too, whose sidecar it may have, until one tag is gone", () =>
    onLab({ fleet: cartFleet, stage: "dev" }, async (driver) => {
      const refusals = () => driver.messagesAbout(cart).filter((text) => text.includes("can't join the mesh"));
      await driver.tag(cart, { ...asDev, "ztunnel-autopilot-qa/enroll": "true" });
      await driver.minutes(40);
      expect(driver.lab.rolls()).toEqual([]);
      expect(refusals()).toHaveLength(1);
      expect(refusals()[0]).toContain("The service is tagged for two stages");
      expect(refusals()[0]).toContain("ztunnel-autopilot-qa/enroll");
      await driver.tag(cart, { "ztunnel-autopilot-qa/enroll": "false" });
      await driver.until("the service is enrolled", 30, () => driver.ended(cart, "succeeded"));
    }));

  it("goes on with a service that it had first, with a warning, and leaves it alone once another stage has taken it", () =>
    onLab({ fleet: cartFleet, stage: "dev" }, async (driver) => {
      await driver.tag(cart, asDev);
      await driver.until("the service is enrolled", 30, () => driver.ended(cart, "succeeded"));
      await driver.tag(cart, { "ztunnel-autopilot/enroll": "true" });
      await driver.minutes(40);
      expect(driver.lab.rolls()).toHaveLength(1);
      const warned = driver.messagesAbout(cart).filter((text) => text.includes("ztunnel-autopilot/enroll"));
      expect(warned).toHaveLength(1);
      // The other stage deploys its sidecar: an endless exchange of revisions would follow.
      const ours = await driver.definitionOf(cart);
      const theirs = JSON.stringify(ours).replaceAll(":secret:ztunnel-autopilot-dev/", ":secret:ztunnel-autopilot/");
      await driver.deploy(cart, JSON.parse(theirs));
      await driver.minutes(120);
      expect(driver.lab.rolls()).toHaveLength(1);
      expect(await runningDefinition(driver)).toContain(":secret:ztunnel-autopilot/");
    }));

  it("takes on its own role in other accounts", () =>
    onLab({ fleet: guideFleet, stage: "dev" }, async (driver) => {
      const [service] = driver.lab.config.accounts.length > 1 ? [shop("catalog")] : [];
      expect(driver.lab.config.memberRoleName).toBe("ztunnel-autopilot-dev-member");
      const roles = driver.lab.iam.roleArns().filter((arn) => arn.endsWith("-member"));
      expect(roles).toEqual([expect.stringMatching(/:role\/ztunnel-autopilot-dev-member$/)]);
      expect(service).toBeDefined();
      await driver.minutes(20);
      expect(driver.lab.logs.filter(({ line }) => line.includes("access-denied"))).toEqual([]);
    }));
});

describe("a production stage", () => {
  it.each(["prod", "production", undefined])("%s has the keys that it always had", (stage) =>
    onLab({ fleet: cartFleet, ...(stage && { stage }) }, async (driver) => {
      await driver.tag(cart, { ...enrollAs("cart"), [`${PREFIX}enroll`]: "no", [`${PREFIX}nonsense`]: "x" });
      await driver.until("the service is enrolled", 30, () => driver.ended(cart, "succeeded"));
      expect(tokens(driver)).toEqual([expect.stringMatching(/^ztunnel-autopilot\//)]);
      expect(driver.lab.config.memberRoleName).toBe("ztunnel-autopilot-member");
    }),
  );
});

describe("the record of who owns an enroll key", () => {
  const configured = (stage: string, enrollTagKey?: string) =>
    ownershipRecord(
      deploymentOf(parseConfig({ ...autopilotConfig, ...(enrollTagKey && { enrollTagKey }) }, stage), stage),
    );

  it("is created once: a second stage with the same key is refused, one with its own keys is not", () =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      const create = ({ name, value }: { readonly name: string; readonly value: string }) =>
        lab.call(cart, "PutParameter", { Name: name, Value: value, Type: "String" }, "AmazonSSM");
      await create(configured("prod"));
      await create(configured("dev"));
      await create(configured("qa", "mesh/enroll"));
      for (const second of [
        configured("production"),
        configured("dev-2", "mesh/enroll"),
        configured("qa", "ztunnel-autopilot/enroll"),
      ]) {
        await expect(create(second)).rejects.toThrow(/already exists/i);
      }
    }));

  it("has a name of its own for every key, which Parameter Store takes", () => {
    const keys = ["a/b", "a.2fb", "a b", "a:b", "ä", "ztunnel-autopilot/enroll", "x".repeat(128), "/"];
    const names = keys.map((key) => configured("prod", key).name);
    expect(new Set(names).size).toBe(keys.length);
    for (const name of names) expect(name).toMatch(/^(?!\/?(aws|ssm))(\/[\w.-]+){1,15}$/);
  });
});
