import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type FleetDriver, onFleet } from "./support/rollouts.ts";

const lineSchema = z.looseObject({ level: z.string().optional(), message: z.string().optional() });

const containersSchema = z.array(z.record(z.string(), z.json()));

/** The documented query: which fields it shows, and by which one it filters. */
function documentedQuery() {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [, shown = "", by = ""] =
    /^fields (.+) \| filter (executionName) = "[^"]+" \| sort @timestamp$/m.exec(page) ?? [];
  return { shown: shown.split(", "), by };
}

/** What the query finds in the lab's logs: an equality on one field, over the groups of the roll's functions. */
function found({ lab }: FleetDriver, by: string, value: string) {
  return lab.logs
    .filter(({ functionName }) => functionName.startsWith("roll/"))
    .map(({ line }) => lineSchema.parse(JSON.parse(line)))
    .filter((line) => line[by] === value);
}

describe("the message about a failed roll", () => {
  it("leads to its log lines by the documented query, which have code, cause and outcome at fitting levels", () =>
    onFleet({ services: 3 }, async (driver) => {
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { service: service.name } });
      const { containerDefinitions, ...definition } = await driver.definitionOf(service);
      const bare = containersSchema.parse(containerDefinitions).filter(({ name }) => name !== "ztunnel");
      const applications = bare.map(({ dependsOn: _, ...container }) => container);
      await driver.deploy(service, { ...definition, containerDefinitions: applications });
      await driver.until("its roll has failed", 60, () => driver.events("Service Roll Failed").length > 0);
      const [failed] = driver.events("Service Roll Failed");
      const executionName = String(failed?.executionName);
      await driver.minutes(2);
      const message = driver.lab.slack.messages().find(({ text }) => text.includes("the roll failed"));
      expect(JSON.stringify(message)).toContain(executionName);
      expect(JSON.stringify(message)).toContain(String(failed?.code));
      const { shown, by } = documentedQuery();
      const lines = found(driver, by, executionName);
      expect(lines.map((line) => line.message)).toEqual(expect.arrayContaining(["planned", "reverting", "finished"]));
      for (const field of shown.filter((one) => one !== "@timestamp"))
        expect(
          lines.some((line) => field in line),
          field,
        ).toBe(true);
      const reverting = lines.find((line) => line.message === "reverting");
      expect(reverting).toMatchObject({ level: "WARN", outcome: "reverting", code: failed?.code });
      const finished = lines.find((line) => line.message === "finished");
      expect(finished).toMatchObject({ code: failed?.code, outcome: expect.stringMatching(/^revert/) });
      expect(finished?.level).not.toBe("INFO");
    }));
});
