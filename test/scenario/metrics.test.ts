import { describe, expect, it } from "vitest";
import * as z from "zod";
import { playStory } from "../../lab/story/story.ts";
import { METRICS_NAMESPACE, metrics } from "../../shared/base/metrics.ts";
import { resourceNames } from "../../shared/config/names.ts";

/**
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const emfSchema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.tuple([
      z.object({
        Namespace: z.literal(METRICS_NAMESPACE),
        Dimensions: z.tuple([z.array(z.string())]),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ]),
  }),
});

const { lab } = await playStory({ write: () => undefined, color: false });
const measured = lab.logs
  .filter(({ line }) => line.includes('"_aws"'))
  .flatMap(({ line }) => {
    const { _aws, ...values } = emfSchema.parse(JSON.parse(line));
    const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics;
    return Metrics.map(({ Name, Unit }) => ({ name: Name, unit: Unit, dimensions: Dimensions[0], values }));
  });

describe("the functions' metrics in the story of npm start", () => {
  it("are all defined metrics except Failures, because no step fails", () => {
    const expected = Object.keys(metrics).filter((name) => name !== "Failures");
    expect([...new Set(measured.map(({ name }) => name))].sort()).toEqual(expected.sort());
  });

  it("have their unit, and values for the service dimension and their own dimensions", () => {
    const definitions = new Map(Object.entries(metrics));
    for (const { name, unit, dimensions, values } of measured) {
      const definition = definitions.get(name);
      expect({ unit, dimensions }, name).toEqual({
        unit: definition?.unit,
        dimensions: ["service", ...(definition?.dimensions ?? [])],
      });
      expect(values.service).toBe(resourceNames(lab.config).busName);
      for (const dimension of dimensions) expect(values[dimension], name).toMatch(/^[a-z0-9][a-z0-9-]*$/);
    }
  });

  it("form a small number of series: no dimension has a service's name", () => {
    const series = new Set(
      measured.map(({ name, dimensions, values }) => `${name} ${dimensions.map((one) => values[one])}`),
    );
    expect(series.size).toBeLessThan(70);
    expect([...series].join()).not.toMatch(/arn:|shell-task|echo-service/);
  });

  it("count services, and report a rollout's progress in percent", () => {
    const sweeps = measured
      .filter(({ name }) => name === "ServicesEnrolled")
      .map(({ values }) => values.ServicesEnrolled);
    expect(Math.max(...sweeps.map(Number))).toBeGreaterThan(5);
    const done = measured.filter(({ name }) => name === "RolloutDone").map(({ values }) => Number(values.RolloutDone));
    expect(done.every((percent) => percent >= 0 && percent <= 100)).toBe(true);
  });
});
