import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compilePattern } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import type { JsonObject } from "../../../shared/base/json.ts";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { type Asked, mutatedEvents, sampleEvents, textsIn } from "./events.ts";
import { listed } from "./listed.ts";
import { readingOf } from "./parses.ts";
import { namedPatterns } from "./patterns.ts";

const MUTATIONS = 5000;
const SEED = 1;
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/** The matcher of EventBridge, which AWS publishes. */
export const eventRuler: Engine = {
  name: "event-ruler",
  about: "every event pattern on AWS's sample events, the fixtures and 5,000 mutations, by EventBridge's matcher",
  needs: ["java", "maven"],
  inQuick: true,
  install,
  run,
};

async function install({ folder, sources, children, progress }: EngineContext): Promise<void> {
  progress("fetching the matcher");
  const pom = ["-f", join(sources, "pom.xml")];
  const options = ["-DincludeScope=runtime", `-DoutputDirectory=${join(folder, "jars")}`];
  await children.run("mvn", ["--batch-mode", "--quiet", ...pom, COPY, ...options]);
  mkdirSync(join(folder, "classes"));
  const classpath = ["-cp", join(folder, "jars/*"), "-d", join(folder, "classes")];
  await children.run("javac", [...classpath, join(sources, "Answers.java")]);
}

/** How often a pattern matched, by whom. */
interface Row {
  both: number;
  onlyOurs: number;
  onlyTheirs: number;
}

async function run(context: EngineContext): Promise<EngineResult> {
  const samples = sampleEvents();
  const texts = [...new Set([...textsIn(namedPatterns), ...samples.flatMap(({ event }) => textsIn(event))])];
  const asked = [...samples, ...mutatedEvents(samples, { count: MUTATIONS, seed: SEED, texts })];
  context.progress(`asking about ${namedPatterns.length} patterns and ${asked.length} events`);
  const { refusals, answers } = await theirAnswers(asked, context);
  const found = refusals.flatMap((why, index) =>
    why === null ? [] : [`${namedPatterns[index]?.name}: event-ruler refuses the pattern: ${why}`],
  );
  const rows = new Map<string, Row>(namedPatterns.map(({ name }) => [name, { both: 0, onlyOurs: 0, onlyTheirs: 0 }]));
  const readings: Record<string, number> = {};
  const matchers = namedPatterns.map(({ pattern }) => compilePattern(pattern));
  for (const [number, one] of asked.entries()) {
    const theirs = new Set(answers[number]);
    for (const [index, { name, rule }] of namedPatterns.entries()) {
      const [weSay, theySay] = [matchers[index]?.(one.event) ?? false, theirs.has(index)];
      count(rows.get(name), weSay, theySay);
      if (weSay !== theySay) found.push(differenceOf(name, one, weSay));
      if (!rule || !theySay) continue;
      const { reading, wrong } = readingOf(rule, one);
      readings[reading] = (readings[reading] ?? 0) + 1;
      if (wrong !== undefined) found.push(wrong);
    }
  }
  return {
    table: {
      columns: ["pattern", "both match", "only ours", "only event-ruler"],
      rows: [...rows].map(([name, { both, onlyOurs, onlyTheirs }]) => [name, both, onlyOurs, onlyTheirs]),
    },
    differences: withReasons(found, listed, { quick: context.quick }),
    figures: {
      patterns: namedPatterns.length,
      samples: samples.length,
      mutations: asked.length - samples.length,
      ...Object.fromEntries(Object.entries(readings).map(([reading, times]) => [`matched and ${reading}`, times])),
    },
  };
}

const linesSchema = z.tuple([z.array(z.string().nullable())]).rest(z.array(z.number()));

async function theirAnswers(asked: readonly Asked[], { folder, children }: EngineContext) {
  const events: readonly JsonObject[] = asked.map(({ event }) => event);
  const patterns = namedPatterns.map(({ pattern }) => pattern);
  const input = [patterns, ...events].map((line) => `${JSON.stringify(line)}\n`).join("");
  const classpath = [join(folder, "classes"), join(folder, "jars/*")].join(":");
  const output = await children.run("java", ["-cp", classpath, "Answers"], { input });
  const lines: unknown[] = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const [refusals, ...answers] = linesSchema.parse(lines);
  if (answers.length !== events.length) throw new Error(`${answers.length} answers to ${events.length} events`);
  return { refusals, answers };
}

function count(row: Row | undefined, weSay: boolean, theySay: boolean): void {
  if (!row) return;
  if (weSay && theySay) row.both += 1;
  else if (weSay) row.onlyOurs += 1;
  else if (theySay) row.onlyTheirs += 1;
}

function differenceOf(pattern: string, { name, event }: Asked, weSay: boolean): string {
  const who = weSay ? "only ours matches" : "only event-ruler matches";
  return `${pattern}: ${who} ${name}: ${JSON.stringify(event)}`;
}
