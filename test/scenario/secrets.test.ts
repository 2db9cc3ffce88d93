import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN } from "../../lab/autopilot/lab.ts";
import { demoFleet } from "../../lab/fleet/demo.ts";
import { createService } from "../../lab/fleet/fleet.ts";
import { everythingWritten, formsOf, leaks, secretValues } from "../../lab/leaks.ts";
import { acts } from "../../lab/story/acts.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { demo, ENROLL, enrollAs, web, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

/** The token of a service that was onboarded by hand. Its task definition has the token in plain text. */
const plainToken = Buffer.from("a token that istioctl wrote in plain text, long before us").toString("base64");

function onboardedByHand(name: string) {
  const [app] = [webDefinition(name).containerDefinitions].flat();
  const environment = [{ name: "BOOTSTRAP_TOKEN", value: plainToken }];
  const ztunnel = { name: "ztunnel", image: "registry.example.com/ztunnel:1.28.0", essential: true, environment };
  return web(name, { taskDefinition: webDefinition(name, { containerDefinitions: [ztunnel, app ?? null] }) });
}

/** Plays the whole story, then lets everything fail that has to do with a token. */
async function playEverything(driver: LabDriver): Promise<void> {
  const { faults } = driver.lab;
  const create = (service: ReturnType<typeof web>) =>
    createService(service, (at, call, input) => driver.lab.call(at, call, input));
  for (const act of acts) await act.play(driver);
  const failing = [
    { kind: "api-error", match: { call: "secretsmanager.CreateSecret" }, error: "InvalidRequestException" },
    { kind: "api-error", match: { call: "secretsmanager.PutResourcePolicy" }, error: "AccessDeniedException" },
    { kind: "api-error", match: { call: "ecs.RegisterTaskDefinition" }, error: "ClientException" },
    { kind: "api-error", match: { call: "ecs.UpdateService" }, error: "InvalidParameterException" },
    { kind: "secret-denied" },
    { kind: "no-workload-entry" },
    { kind: "kubernetes-down" },
    { kind: "lambda-crash", match: { function: "roll/apply", call: "secretsmanager.CreateSecret" }, when: "after" },
    { kind: "slack-down" },
    { kind: "lambda-crash", match: { function: "reconcile-service" } },
  ];
  for (const [index, rule] of failing.entries()) {
    const name = `fails-${index}`;
    await create(onboardedByHand(name));
    await driver.minutes(2);
    faults.replace([rule]);
    await driver.tag(demo(name), enrollAs(name));
    await driver.minutes(20);
    faults.replace([]);
  }
  const plane = driver.lab.controlPlanes.get("mesh-us");
  plane?.setRootCa("-----BEGIN CERTIFICATE-----\nnot a certificate\n-----END CERTIFICATE-----\n");
  await create(onboardedByHand("no-root-ca"));
  await driver.tag(demo("no-root-ca"), { [ENROLL]: "true" });
  await driver.minutes(30);
}

const { written, secrets } = await onLab({ fleet: demoFleet, policy: { leafLifetimeHours: 1 } }, async (driver) => {
  await playEverything(driver);
  return { written: await everythingWritten(driver), secrets: await secretValues(driver) };
});
const tokens = secrets.filter(({ name }) => name.startsWith("ztunnel-autopilot/")).map(({ value }) => value);

describe("after the whole story and every failure that has to do with a token", () => {
  it("there are enough records to search", () => {
    const places = new Set(written.map(({ where }) => where.split(" ")[0]));
    expect([...places].toSorted()).toEqual(["Slack", "dead", "event", "execution", "history", "ledger", "log"]);
    expect(written.length).toBeGreaterThan(500);
    expect(tokens.length).toBeGreaterThan(5);
    const outcomes = written.filter(
      ({ where, text }) => where.startsWith("ledger") && /"reverted"|"failed"/.test(text),
    );
    expect(outcomes.length, "services whose roll failed").toBeGreaterThanOrEqual(3);
  });

  it("the search finds a token in each of its forms, and in nested JSON", () => {
    const [token = ""] = tokens;
    for (const form of formsOf(token)) {
      const text = JSON.stringify({ cause: JSON.stringify({ errorMessage: `bad: ${form}` }) });
      expect(leaks([{ where: "here", text }], [form])).not.toEqual([]);
      expect(leaks([{ where: "here", text: text.slice(0, 300) }], [form])).not.toEqual([]);
    }
  });

  it("no bootstrap token is in a log line, execution, event, message, dead letter or ledger item", () => {
    expect(leaks(written, tokens.flatMap(formsOf))).toEqual([]);
  });

  it("no root CA certificate is there", () => {
    expect(leaks(written, ["-----BEGIN CERTIFICATE-----"])).toEqual([]);
  });

  it("no token that istioctl wrote in plain text is there", () => {
    expect(leaks(written, [plainToken])).toEqual([]);
  });

  it("no Slack credential is there", () => {
    expect(leaks(written, [LAB_SLACK_TOKEN])).toEqual([]);
  });

  it("no task token is in a log line, event or message", () => {
    const taskTokens = written.flatMap(({ where, text }) =>
      where.startsWith("history")
        ? [...text.matchAll(/taskToken\W+([\w+/=.-]{20,})/g)].map(([, token = ""]) => token)
        : [],
    );
    expect(taskTokens.length).toBeGreaterThan(5);
    const outside = written.filter(({ where }) => /^(log|event|Slack)/.test(where));
    expect(leaks(outside, taskTokens)).toEqual([]);
  });
});
