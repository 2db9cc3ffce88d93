import { describe, expect, it } from "vitest";
import { acts } from "../../lab/story/acts.ts";
import { playStory } from "../../lab/story/story.ts";

const lines: string[] = [];
const { lab, report } = await playStory({ write: (text) => lines.push(text), color: false });

describe("the story of npm start", () => {
  it.each(report.acts)("act: $name", ({ ok, why }) => {
    expect(why).toBe("");
    expect(ok).toBe(true);
  });

  it("plays all acts successfully", () => {
    expect(report.acts.map(({ name }) => name)).toEqual(acts.map(({ name }) => name));
    expect(report.acts).toHaveLength(13);
    expect(report.ok).toBe(true);
  });

  it("leaves the services as their tags demand", () => {
    const inMesh = report.services.filter(({ ztunnel }) => ztunnel !== null).map(({ arn }) => arn.split("/").at(-1));
    expect(inMesh.toSorted()).toEqual([
      ...["cart", "catalog", "checkout", "echo-service", "invoices", "orders", "prices"],
      ...["ratings", "returns", "search", "stock"],
    ]);
    for (const { enrolled, ztunnel, containers } of report.services) {
      expect(enrolled).toBe(ztunnel !== null);
      expect(containers.includes("ztunnel")).toBe(enrolled);
      if (ztunnel) expect(ztunnel.secretVersionId).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it("reports every roll within its budget", () => {
    expect(report.rolls.length).toBeGreaterThanOrEqual(9);
    for (const { outcome, transitions, service } of report.rolls) {
      expect(["succeeded", "reverted", "superseded", "revert-failed"]).toContain(outcome);
      if (outcome === "succeeded") expect(transitions, service).toBeLessThanOrEqual(9);
    }
  });

  it("reports every rollout with its waves and its status", () => {
    const { rollouts } = report;
    expect(rollouts.map(({ kind, status }) => `${kind} ${status}`).toSorted()).toEqual([
      ...Array<string>(4).fill("rotate completed"),
      "upgrade completed",
      "upgrade rolled-back",
    ]);
    expect(rollouts.every(({ services, waves }) => services > 0 && waves.length > 0)).toBe(true);
    const updated = lab.slack.threads().filter(({ updatedTimes }) => updatedTimes > 0);
    expect(updated.filter(({ blocks }) => JSON.stringify(blocks).includes("rollout `"))).toHaveLength(rollouts.length);
  });

  it("leaves no dead letter, no running execution and no lease", async () => {
    expect(lab.lambda.deadLetters).toEqual([]);
    expect(lab.rolls().filter(({ status }) => status === "RUNNING")).toEqual([]);
    for await (const { roll } of lab.ledger.listServices()) expect(roll).toBeUndefined();
  });

  it("mentions every service in Slack", () => {
    const messages = report.slack.map(({ text }) => text).join("\n");
    for (const { arn } of report.services) expect(messages).toContain(arn.split("/").slice(-2).join("/"));
    expect(lines.join("")).toContain("Act 13 of 13");
  });
});
