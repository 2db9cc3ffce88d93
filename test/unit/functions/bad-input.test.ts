import type { VirtualClock } from "@ztunnel-autopilot/simulator";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lab } from "../../../lab/autopilot/lab.ts";
import type { LedgerItems } from "../../../lab/ledger/ledger-memory.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { web } from "../../support/arns.ts";
import { eventFixture, eventFixtureNames } from "../../support/event-fixtures.ts";
import { newLab } from "../../support/labs.ts";

const fixtures = eventFixtureNames.map((name) => [name, eventFixture(name)] as const);
const SECRET = "c2VjcmV0LXRva2Vu";

/** The JSON with one member, at any depth, replaced or removed. */
function mutations(event: JsonObject): fc.Arbitrary<Json> {
  const odd = fc.constantFrom<Json | undefined>(undefined, null, 7, "", SECRET, true, [], {}, [null], { [SECRET]: [] });
  return fc.tuple(fc.constantFrom(...pathsOf(event)), odd).map(([path, value]) => replaced(event, path, value) ?? null);
}

function pathsOf(node: Json, path: readonly string[] = []): (readonly string[])[] {
  const members = Array.isArray(node) || isJsonObject(node) ? Object.entries(node) : [];
  const inner = members.flatMap(([key, value]: [string, Json]) => pathsOf(value, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

function replaced(node: Json, [head, ...rest]: readonly string[], value: Json | undefined): Json | undefined {
  if (head === undefined) return value;
  if (Array.isArray(node)) {
    return node.map((item: Json, index) => (String(index) === head ? (replaced(item, rest, value) ?? null) : item));
  }
  if (!isJsonObject(node)) return node;
  const inner = replaced(node[head] ?? null, rest, value);
  const { [head]: _, ...others } = node;
  return inner === undefined ? others : { ...others, [head]: inner };
}

async function onLab<T>(work: (lab: Lab, clock: VirtualClock) => Promise<T>, items: LedgerItems = new Map()) {
  const { lab, clock } = newLab(items);
  return work(lab, clock);
}

describe.each(fixtures)("the sample event %s with any member changed", (_file, event) => {
  it("is parsed or refused as malformed, and the error quotes no values", () => {
    fc.assert(
      fc.property(mutations(event), (mutated) => {
        try {
          expect(parseIncoming(mutated)).toHaveProperty("kind");
        } catch (error) {
          expect(error).toBeInstanceOf(AutopilotError);
          expect(error).toMatchObject({ code: "malformed-event", detail: expect.not.stringContaining(SECRET) });
        }
      }),
    );
  });
});

describe("an unreadable event", () => {
  const malformed = { source: "aws.ecs", "detail-type": "ECS Deployment State Change", detail: { token: SECRET } };

  it.each(["reconcile-service", "signal-deployment", "notify-slack"])(
    "ends as a dead letter of %s after three tries, with its reason",
    async (functionName) => {
      await onLab(async (lab, clock) => {
        await clock.run(lab.lambda.invokeAsync(functionName, malformed));
        expect(lab.lambda.deadLetters).toEqual([
          {
            functionName,
            at: expect.any(String),
            attempts: 3,
            error: "Autopilot.Terminal",
            message: expect.stringMatching(/^malformed-event: /),
            payload: malformed,
          },
        ]);
        const lines = lab.logs.map(({ line }) => line);
        expect(
          lines.filter((line) => line.includes('"code":"malformed-event"') && !line.includes("_aws")),
        ).toHaveLength(3);
        expect(lines.join("\n")).not.toContain(SECRET);
        expect(lab.rolls()).toEqual([]);
        await clock.advance(24 * 3_600_000);
        expect(lab.lambda.deadLetters).toHaveLength(1);
      });
    },
  );

  it("from an account that nobody configured is a dead letter by that name", async () => {
    const event = eventFixture("deployment-completed");
    await onLab(async (lab, clock) => {
      await clock.run(lab.lambda.invokeAsync("reconcile-service", event));
      expect(lab.lambda.deadLetters).toEqual([
        expect.objectContaining({ attempts: 3, message: expect.stringMatching(/^unknown-account: .*111122223333/) }),
      ]);
    });
  });
});

describe("an event of an unknown kind", () => {
  it.each(["reconcile-service", "signal-deployment"])("is ignored by %s, with the reason in its log", async (name) => {
    await onLab(async (lab, clock) => {
      const event = { source: "aws.ecs", "detail-type": "ECS Something New", account: web.account, region: web.region };
      await clock.run(lab.lambda.invoke(name, { ...event, detail: {} }));
      expect(lab.lambda.deadLetters).toEqual([]);
      expect(lab.logs.map(({ line }) => line)).toEqual([expect.stringContaining('"why":"unknown-event-kind"')]);
    });
  });
});

describe("a ledger item of an older shape", () => {
  it("makes the service's event a dead letter that names the item, and changes nothing", async () => {
    const key = `SERVICE#${web.serviceArn}`;
    const items: LedgerItems = new Map([[`${key} STATE`, { pk: key, sk: "STATE", shape: 0, token: SECRET }]]);
    const before = structuredClone(items);
    await onLab(async (lab, clock) => {
      const event = {
        source: "ztunnel-autopilot",
        "detail-type": "Service Enrolled",
        account: web.account,
        region: web.region,
        detail: { serviceArn: web.serviceArn },
      };
      await clock.run(lab.lambda.invokeAsync("reconcile-service", event));
      expect(lab.lambda.deadLetters).toEqual([
        expect.objectContaining({ attempts: 3, message: expect.stringMatching(/^ledger-item-unreadable: .*SERVICE#/) }),
      ]);
      expect(lab.rolls()).toEqual([]);
      expect(lab.logs.map(({ line }) => line).join()).not.toContain(SECRET);
    }, items);
    expect(items).toEqual(before);
  });
});

describe("a step of a roll", () => {
  const steps = ["plan", "apply", "await-deployment", "verify", "revert", "finish"];
  const inputs: readonly (readonly [string, Json])[] = [
    ["nothing", null],
    ["a text", "text"],
    ["an empty object", {}],
    ["an invalid ARN", { serviceArn: "web", executionName: "roll" }],
    ["an invalid plan", { serviceArn: web.serviceArn, executionName: "", plan: { action: "explode", token: SECRET } }],
  ];

  it.each(steps)("%s refuses invalid input as malformed, and changes nothing", async (step) => {
    const items: LedgerItems = new Map();
    await onLab(async (lab, clock) => {
      for (const [, input] of inputs) {
        await expect(clock.run(lab.lambda.invoke(`roll/${step}`, input))).rejects.toMatchObject({
          name: "Autopilot.Terminal",
          message: expect.stringMatching(/^malformed-event: (?!.*c2Vj)/s),
        });
      }
    }, items);
    expect(items.size).toBe(0);
  });
});

describe("a roll whose input has", () => {
  it.each<[string, JsonObject]>([
    ["no members", {}],
    ["an invalid ARN", { serviceArn: "web", attemptKey: "s" }],
    ["an object as its service", { serviceArn: { token: SECRET }, attemptKey: "s" }],
    ["a number as its attempt key", { serviceArn: "web", attemptKey: 7 }],
  ])("%s fails as malformed, and writes nothing", async (_what, input) => {
    const items: LedgerItems = new Map();
    await onLab(async (lab, clock) => {
      const { executionArn } = lab.stepFunctions.startExecution({
        stateMachineArn: lab.rollServiceArn,
        name: "malformed",
        input: JSON.stringify(input),
      });
      await clock.settle(clock.now() + 3_600_000);
      const execution = lab.stepFunctions.describeExecution(executionArn);
      expect(execution).toMatchObject({ status: "FAILED", error: "Autopilot.Terminal" });
      expect(execution.cause).toContain("malformed-event");
      expect(execution.cause).not.toContain(SECRET);
    }, items);
    expect(items.size).toBe(0);
  });
});
