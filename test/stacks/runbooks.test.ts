import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import autopilotConfig from "../../autopilot.config.ts";
import { RUNBOOKS } from "../../shared/base/own-alarms.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { deadLetterDefinition, homeAlarms } from "../../stacks/observability/alarm-definitions.ts";

const text = await readFile(new URL(`../../${RUNBOOKS}`, import.meta.url), "utf8");
const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-"),
);
const alarms = [
  deadLetterDefinition("undelivered-events"),
  ...homeAlarms(deploymentOf(parseConfig(autopilotConfig), "production")),
];

describe("the runbook that an alarm names", () => {
  it.each(alarms.map(({ name, description }) => [name, description]))("exists for %s", (_name, description) => {
    const [, anchor] = /docs\/operations\.md#([a-z0-9-]+)/.exec(description) ?? [];
    expect(anchors).toContain(anchor);
  });
});
