import fc from "fast-check";
import { parseKubeconfig } from "../../../shared/gateways/kubernetes/kubeconfig.ts";
import { parseSlackCredentials, slackGateway } from "../../../shared/gateways/slack/slack.ts";
import { SlackUnavailable } from "../../../shared/slack/calls.ts";
import { altered } from "./altered.ts";
import { answered, answeredLater, hold, type Subject, subject } from "./subject.ts";

const TOKEN = "xoxb-0123456789-secret";
const HOOK = "https://hooks.slack.com/services/T0000/B0000/secretsecret";

const body = fc.oneof(
  altered({ ok: true, channel: "C1", ts: "1.2", message: { text: "x" } }, { ok: false, error: "invalid_auth" }).map(
    (json) => JSON.stringify(json),
  ),
  altered({ ok: true, ts: "1", channel: "C", response_metadata: { messages: ["[ERROR] a"], warnings: ["b"] } }).map(
    (json) => JSON.stringify(json),
  ),
  fc.constantFrom("", "ok", "{", "<html>502</html>", "\ufeff{}", "CREDENTIALS", `{"ok":false,"error":"CREDENTIALS"}`),
  fc.constantFrom("x".repeat(1_000_000), `{"ok":false,"error":"${"x".repeat(100_000)}"}`),
);
const headers = fc.constantFrom<Record<string, string>>(
  ...[{}, { "retry-after": "5" }, { "retry-after": "-5" }, { "retry-after": "x" }, { "retry-after": "1e999" }],
  ...[{ "retry-after": "99999999999" }, { "retry-after": "Thu, 01 Dec 2026 16:00:00 GMT" }, { "retry-after": "" }],
);
const status = fc.constantFrom(200, 200, 200, 204, 301, 400, 403, 404, 429, 429, 500, 503);
const thrown = fc.constantFrom<unknown>(new TypeError("fetch failed"), "a text", null, { code: 7 });
const answers = fc.oneof(
  { weight: 9, arbitrary: fc.record({ status, headers, body }) },
  { weight: 1, arbitrary: fc.record({ thrown }) },
);

const kubeconfig = {
  apiVersion: "v1",
  kind: "Config",
  "current-context": "mesh",
  contexts: [{ name: "mesh", context: { cluster: "mesh", user: "ops", namespace: "x" } }],
  clusters: [{ name: "mesh", cluster: { server: "https://k8s.example.com", "certificate-authority-data": "Yg==" } }],
  users: [{ name: "ops", user: { token: "secret-token-of-ops" } }],
};

/** What Slack answers, and what the secrets hold that lead to Slack and to Kubernetes. */
export const answerSubjects: readonly Subject[] = [
  subject({
    name: "Slack's answers",
    inputs: fc.record({ answer: answers, isBot: fc.boolean(), isUpdate: fc.boolean() }),
    cost: 4,
    answer: ({ answer, isBot, isUpdate }) =>
      answeredLater(["slack-unavailable"], async () => {
        const slack = slackGateway({
          credentials: isBot ? { token: TOKEN } : { webhookUrl: HOOK },
          channel: "#ops",
          fetch: async () => {
            if ("thrown" in answer) throw answer.thrown;
            const text = answer.status === 204 ? null : answer.body.replace("CREDENTIALS", isBot ? TOKEN : HOOK);
            return new Response(text, { status: answer.status, headers: answer.headers });
          },
        });
        const message = { text: "t", blocks: [] };
        try {
          if (isUpdate && slack.updates) await slack.updateMessage({ channel: "C1", ts: "1" }, message);
          else await slack.postMessage(message);
        } catch (error) {
          if (error instanceof SlackUnavailable) holdOfRefusal(error);
          throw error;
        }
      }),
  }),
  subject({
    name: "Slack's secret",
    inputs: fc.oneof(
      altered({ token: TOKEN }, { webhookUrl: HOOK }).map((json) => JSON.stringify(json)),
      fc.string(),
    ),
    answer: (text) => answered(["invalid-slack-secret"], () => parseSlackCredentials(text, "slack")),
  }),
  subject({
    name: "kubeconfigs",
    inputs: fc.oneof(
      altered(kubeconfig).map((json) => JSON.stringify(json)),
      fc.string({ unit: "binary" }),
      // An alias of an alias, many times: a text of a few lines that stands for a very long one.
      fc.constant(`a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh".replace(/./g, (n) => `${n}: &${n} [${aliases(n)}]\n`)}`),
    ),
    answer: (text) => answered(["invalid-kubeconfig"], () => parseKubeconfig(text, "mesh-kubeconfig")),
  }),
];

function aliases(name: string): string {
  const before = String.fromCharCode(name.charCodeAt(0) - 1);
  return Array.from({ length: 9 }, () => `*${before}`).join();
}

function holdOfRefusal({ message, cause, retryAfterSeconds, refusal }: SlackUnavailable): void {
  const texts = `${message} ${cause instanceof Error ? (cause.stack ?? cause.message) : ""} ${refusal ?? ""}`;
  hold("no text of the error has the credentials", !texts.includes(TOKEN) && !texts.includes("secretsecret"));
  hold("the error is short", texts.length < 10_000);
  hold("a wait is a time", retryAfterSeconds === undefined || Number.isFinite(retryAfterSeconds));
}
