import {
  type RequestHandler,
  ScaledClock,
  type SimulatorRequest,
  type SimulatorResponse,
  seededRandom,
} from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { LAB_SLACK_TOKEN } from "../../lab/autopilot/lab.ts";
import { labRoutes } from "../../lab/server/routes.ts";
import { labState } from "../../lab/server/state.ts";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { mutated } from "../support/odd-json.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const DEEP = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
const ODD_BODIES = ["", "not JSON", "null", "7", "[]", '"text"', '{"__proto__":{"a":1}}', "[".repeat(20_000), DEEP];
const ODD_TEXTS = [
  "",
  "-1",
  "abc",
  "1e300",
  "NaN",
  "__proto__",
  "constructor",
  "%00",
  "..",
  "x".repeat(5000),
  "\u202e",
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];

/** What is wrong with the answers to these requests, by request. */
async function failures(
  handle: RequestHandler,
  requests: readonly SimulatorRequest[],
  problemOf: (answer: SimulatorResponse) => string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const failed = new Map<string, string>();
  for (const request of requests) {
    const name = `${request.method} ${request.path.slice(0, 120)} ${JSON.stringify(request.query).slice(0, 80)}`;
    const problem = await handle(request).then(problemOf, (error: unknown) => `it threw ${String(error)}`);
    if (problem) failed.set(`${name} ${request.body.slice(0, 120)}`, problem);
  }
  return Object.fromEntries(failed);
}

function objectOf({ body }: SimulatorResponse): JsonObject {
  const json: Json = JSON.parse(body);
  return isJsonObject(json) ? json : {};
}

describe("odd requests to the Kubernetes API", () => {
  const CORE = "/kubernetes/mesh-us/api/v1";
  const presigned =
    "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15" +
    "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20260101%2Fus-east-1%2Fsts%2Faws4_request" +
    "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=odd";
  const authorization = `Bearer k8s-aws-v1.${Buffer.from(presigned).toString("base64url")}`;
  const headers = { authorization, "content-type": "application/apply-patch+yaml" };

  it("are answered or refused by a Status, never by a defect", () =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      const [name = ""] = lab.controlPlanes.keys();
      const core = CORE.replace("mesh-us", name);
      const serviceAccount = `${core}/namespaces/default/serviceaccounts/odd`;
      const manifest: JsonObject = {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "odd", namespace: "default", labels: { a: "b" }, annotations: { c: "d" } },
      };
      const request = (more: Partial<SimulatorRequest>): SimulatorRequest => ({
        ...{ method: "GET", path: `${core}/namespaces`, query: {}, headers, body: "" },
        ...more,
      });
      const random = seededRandom(5);
      const query = { fieldManager: "odd", force: "true" };
      const requests = [
        ...METHODS.flatMap((method) =>
          ["", "/", "/namespaces", "/namespaces/default/serviceaccounts/odd", "/nothing"].map((path) =>
            request({ method, path: `${core}${path}` }),
          ),
        ),
        ...ODD_TEXTS.flatMap((text) => [
          request({ path: `${core}/${text}` }),
          request({ path: `${core}/namespaces/${text}/serviceaccounts/${text}` }),
          ...["limit", "continue", "labelSelector", "fieldSelector", "resourceVersion", "watch"].map((key) =>
            request({ query: { [key]: text } }),
          ),
          request({ method: "PATCH", path: serviceAccount, query: { fieldManager: text, force: text }, body: "{}" }),
          request({ headers: { authorization: text } }),
        ]),
        ...ODD_BODIES.map((body) => request({ method: "PATCH", path: serviceAccount, query, body })),
        ...Array.from({ length: 60 }, () =>
          request({ method: "PATCH", path: serviceAccount, query, body: JSON.stringify(mutated(manifest, random)) }),
        ),
      ];
      expect((await lab.simulator.handle(request({}))).status).toBe(200);
      const applied = { method: "PATCH", path: serviceAccount, query, body: JSON.stringify(manifest) };
      expect((await lab.simulator.handle(request(applied))).status).toBeLessThan(300);
      const problems = await failures(lab.simulator.handle, requests, (answer) => {
        const { kind, message } = objectOf(answer);
        const isNamed = answer.status < 300 || (kind === "Status" && typeof message === "string" && message !== "");
        return answer.status < 500 && isNamed ? undefined : `${answer.status} ${answer.body.slice(0, 200)}`;
      });
      expect(problems).toEqual({});
      await expect(labState(lab)).resolves.toBeDefined();
    }));
});

describe("odd requests to Slack's API", () => {
  it("are answered or refused by a code of Slack's", () =>
    onLab({ fleet: cartFleet }, async ({ lab }) => {
      const authorization = `Bearer ${LAB_SLACK_TOKEN}`;
      const json = { authorization, "content-type": "application/json" };
      const form = { authorization, "content-type": "application/x-www-form-urlencoded" };
      const text = { type: "mrkdwn", text: "odd" };
      const button = { type: "button", action_id: "a", text: { type: "plain_text", text: "b" }, value: "c" };
      const blocks: readonly Json[] = [
        { type: "section", text, fields: [text], accessory: button },
        { type: "context", elements: [text] },
        { type: "actions", elements: [button] },
      ];
      const message: JsonObject = { channel: "#odd", ts: "1.0", thread_ts: "1.0", text: "odd", blocks };
      const random = seededRandom(6);
      const methods = ["auth.test", "chat.postMessage", "chat.update", "users.list", "__proto__", "a/b", "%00"];
      const requests = methods.flatMap((method) => {
        const request = { method: "POST", path: `/slack/api/${method}`, query: {} };
        const bodies = Array.from({ length: 60 }, () => mutated(message, random));
        return [
          ...ODD_BODIES.flatMap((body) =>
            [json, form, { authorization }].map((headers) => ({ ...request, headers, body })),
          ),
          ...bodies.map((body) => ({ ...request, headers: json, body: JSON.stringify(body) })),
          ...bodies.map((body) => ({ ...request, headers: form, body: formOf(body) })),
          { ...request, headers: form, body: `blocks=${"[".repeat(20_000)}` },
          { ...request, headers: { ...json, authorization: "Basic odd" }, body: "{}" },
          { ...request, headers: {}, body: "" },
        ];
      });
      const problems = await failures(lab.simulator.handle, requests, (answer) => {
        const { ok, error } = objectOf(answer);
        const isNamed = ok === true || (ok === false && typeof error === "string" && error !== "");
        return (answer.status === 200 || answer.status === 429) && isNamed
          ? undefined
          : `${answer.status} ${answer.body.slice(0, 200)}`;
      });
      expect(problems).toEqual({});
      expect(lab.slack.sights().length).toBe(lab.slack.messages().length);
    }));
});

/** A form whose values are texts or JSON. */
function formOf(body: JsonObject): string {
  const members = Object.entries(body).map(([key, value]): [string, string] => [
    key.toWellFormed(),
    (typeof value === "string" ? value : JSON.stringify(value)).toWellFormed(),
  ]);
  return new URLSearchParams(members).toString();
}

describe("odd requests to the lab's own routes", () => {
  it("are refused with the member and what to do, and a roll still works afterwards", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { lab } = driver;
      const clock = new ScaledClock(1);
      const routes = labRoutes({ lab, clock, isBusy: () => false });
      const request = (method: string, path: string, body = ""): SimulatorRequest => ({
        ...{ method, path, query: {}, headers: {}, body },
      });
      const rule: JsonObject = { kind: "throttle", match: { call: "ecs.*" }, count: 1, skip: 0, untilMs: 1 };
      const random = seededRandom(8);
      const names = ["state", "faults", "slack", "calls", "clock", "__proto__", "constructor", ""];
      const requests = [
        ...names.flatMap((name) => METHODS.map((method) => request(method, `/_lab/${name}`, "odd"))),
        ...["faults", "clock"].flatMap((name) => ODD_BODIES.map((body) => request("POST", `/_lab/${name}`, body))),
        ...[0, -1, 1e300, 86_401, "60", null, [], {}].map((advanceSeconds) =>
          request("POST", "/_lab/clock", JSON.stringify({ advanceSeconds })),
        ),
        request("POST", "/_lab/clock", '{"advanceSeconds":1,"extra":1}'),
        ...["delaySeconds", "count", "skip", "fromMs", "untilMs", "exitCode"].flatMap((member) =>
          [-1, 0.5, 1e15, 1e300, "1", null].map((value) =>
            request("POST", "/_lab/faults", JSON.stringify([{ kind: "slow-call", [member]: value }])),
          ),
        ),
        ...Array.from({ length: 100 }, () => request("POST", "/_lab/faults", JSON.stringify([mutated(rule, random)]))),
      ];
      const problems = await failures(routes, requests, (answer) => {
        const { message } = objectOf(answer);
        const isNamed = answer.status === 200 || (typeof message === "string" && message.length > 10);
        return answer.status < 500 && isNamed ? undefined : `${answer.status} ${answer.body.slice(0, 200)}`;
      });
      expect(problems).toEqual({});
      const refusal = await routes(request("POST", "/_lab/clock", '{"advanceSeconds":"60"}'));
      expect(objectOf(refusal).message).toMatch(/advanceSeconds/);
      const late = await routes(request("POST", "/_lab/faults", '[{"kind":"delay-event","delaySeconds":1e300}]'));
      expect(objectOf(late).message).toMatch(/delaySeconds/);
      await routes(request("POST", "/_lab/faults", "[]"));
      clock.stop();
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      expect((await routes(request("GET", "/_lab/state"))).status).toBe(200);
    }));
});
