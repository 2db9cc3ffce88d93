import { describe, expect, it } from "vitest";
import { eventPatterns } from "../../../stacks/definitions/event-patterns.ts";
import { type Asked, mutatedEvents, sampleEvents } from "../../engines/event-ruler/events.ts";
import { readingOf } from "../../engines/event-ruler/parses.ts";

const samples = sampleEvents();
const mutated = (seed: number) => mutatedEvents(samples, { count: 200, seed, texts: ["STOPPED"] });

function sample(name: string): Asked {
  const found = samples.find((one) => one.name === `events/${name}.json`);
  if (!found) throw new TypeError(`${name} is not a sample`);
  return found;
}

describe("events for the matchers", () => {
  it("are changed samples that the seed alone decides", () => {
    const events = mutated(1);
    expect(events).toEqual(mutated(1));
    expect(events).not.toEqual(mutated(2));
    const unchanged = new Set(samples.map(({ event }) => JSON.stringify(event)));
    expect(events.filter(({ event }) => unchanged.has(JSON.stringify(event))).length).toBeLessThan(20);
  });

  it("are plausible only with members that AWS may add", () => {
    const plausible = mutated(1).filter((one) => one.plausible);
    expect(plausible.length).toBeGreaterThan(5);
    for (const { event } of plausible) expect(JSON.stringify(event)).toContain('"addedByAws"');
  });
});

describe("how the functions read a matched event", () => {
  const { homeRules } = eventPatterns({ homeAccount: "123456789012", enrollTagKey: "ztunnel-autopilot/enroll" });
  const rule = homeRules.find(({ name }) => name === "deployment-changed");
  if (!rule) throw new TypeError("no such rule");
  const completed = sample("deployment-completed");

  it("is wrong if an event that AWS may send is not read", () => {
    expect(readingOf(rule, completed)).toEqual({ reading: "read" });
    const { detail: _, ...event } = completed.event;
    const broken = { ...completed, event };
    expect(readingOf(rule, broken).wrong).toMatch(/deployment-completed.json: matched, but refused as malformed/);
    expect(readingOf(rule, { ...broken, plausible: false })).toEqual({ reading: "refused as malformed" });
    expect(readingOf(rule, sample("rollout-started")).wrong).toMatch(/matched, but unread/);
  });
});
