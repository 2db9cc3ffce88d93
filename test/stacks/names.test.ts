import { describe, expect, it } from "vitest";
import { MAX_NAME_LENGTH } from "../../shared/base/vocabulary.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { LONGEST_ENDING, namePrefixOf } from "../../shared/config/names.ts";
import { deployments, renderedDeployments } from "./support/deployments.ts";

/** How long AWS lets names be, by Pulumi's type of what has them, and the member of its inputs that is the name. */
const limits: Readonly<Record<string, readonly [member: string, limit: number]>> = {
  "aws:cloudwatch/dashboard:Dashboard": ["dashboardName", 255],
  "aws:cloudwatch/eventBus:EventBus": ["name", 256],
  "aws:cloudwatch/eventRule:EventRule": ["name", 64],
  "aws:cloudwatch/logGroup:LogGroup": ["name", 512],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["name", 255],
  "aws:dynamodb/table:Table": ["name", 255],
  "aws:iam/role:Role": ["name", 64],
  "aws:lambda/alias:Alias": ["name", 128],
  "aws:lambda/function:Function": ["name", 64],
  "aws:scheduler/schedule:Schedule": ["name", 64],
  "aws:scheduler/scheduleGroup:ScheduleGroup": ["name", 64],
  "aws:sfn/stateMachine:StateMachine": ["name", 80],
  "aws:sns/topic:Topic": ["name", 256],
  "aws:sqs/queue:Queue": ["name", 80],
  "aws:ssm/parameter:Parameter": ["name", 1011],
};

const graphs = renderedDeployments();

describe.each(deployments)("the names of $title", ({ title, stage, input }) => {
  const resources = () => graphs.get(title)?.resources ?? [];
  const named = () =>
    resources().flatMap(({ type, inputs }) => {
      const known = limits[type];
      const name = known && inputs[known[0]];
      return typeof name === "string" && known ? [{ type, name, limit: known[1] }] : [];
    });
  const prefix = namePrefixOf(parseConfig(input, stage), stage);

  it("are of types whose limits are known", () => {
    const unknown = resources().filter(({ type, inputs }) => !limits[type] && typeof inputs.name === "string");
    expect(unknown.map(({ type }) => type)).toEqual([]);
    expect(named().length).toBeGreaterThan(50);
  });

  it("have the longest ending that the configuration leaves room for", () => {
    const endings = named()
      .filter(({ name, limit }) => limit === MAX_NAME_LENGTH && name.startsWith(prefix))
      .map(({ name }) => name.slice(prefix.length));
    expect(Math.max(...endings.map(({ length }) => length))).toBe(LONGEST_ENDING.length);
    expect(endings).toContain(LONGEST_ENDING);
  });

  it("fit with the longest name and stage that the configuration takes", () => {
    const longest = "x".repeat(MAX_NAME_LENGTH - LONGEST_ENDING.length);
    for (const { type, name, limit } of named())
      expect(name.replace(prefix, longest).length, `${type} ${name}`).toBeLessThanOrEqual(limit);
  });
});
