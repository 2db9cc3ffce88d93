import { describe, expect, it } from "vitest";
import { redactor } from "../../shared/base/redaction.ts";
import { matches } from "../../shared/base/wildcard.ts";
import { isAllowedImage } from "../../shared/config/images.ts";
import { imageSchema } from "../../shared/config/ztunnel-settings.ts";
import { decodeToken } from "../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { taskCpuUnits, taskMemoryMiB } from "../../shared/data-plane/ztunnel/task-definition/sizes.ts";
import { diagnose } from "../../shared/deployment/diagnose.ts";
import { parseRequest } from "../../shared/enrollment/tags.ts";
import { parseIncoming } from "../../shared/events/incoming.ts";
import { parseKubeconfig } from "../../shared/gateways/kubernetes/kubeconfig.ts";
import { isBundle } from "../../shared/trust/bundle.ts";
import { secretReferences } from "../../shared/use-cases/reconcile/secret-references.ts";
import { task } from "../support/deployments.ts";
import { deployment } from "../support/incoming-samples.ts";
import { rootPem } from "../support/services.ts";

const failedToStart = { lastStatus: "STOPPED", stopCode: "TaskFailedToStart" };
const times = (count: number, text: string) => text.repeat(count);

type TextOf = (count: number) => string;

/** What reads a text of a stranger's, and texts of any length that are slow to read for what goes over them twice. */
const readers: readonly (readonly [what: string, work: (text: string) => unknown, ...texts: readonly TextOf[]])[] = [
  [
    "a root CA bundle",
    isBundle,
    (n) => times(n, " \n"),
    (n) => `${times(n, "\n")}x`,
    (n) => `${rootPem("a")}${times(n, "\r\n")}x`,
    (n) => times(n / 10, "-----BEGIN CERTIFICATE-----\n"),
    (n) => times(n / 10, "-----BEGIN X-----\n-----END X-----\n"),
    (n) => `-----BEGIN ${times(n, "A ")}`,
  ],
  ["a token", (text) => attempt(() => decodeToken(text)), (n) => times(n, "QQ=="), (n) => times(n, " Q")],
  [
    "a kubeconfig",
    (text) => attempt(() => parseKubeconfig(text, "s")),
    (n) => times(n, "a: [\n"),
    (n) => times(n, "- "),
  ],
  [
    "an image",
    (text) => imageSchema.safeParse(text),
    (n) => times(n, "a/"),
    (n) => times(n, "a.-"),
    (n) => times(n, "a:"),
  ],
  ["a wildcard", (text) => matches("*a*a*a*a*b", text), (n) => times(n, "a")],
  ["a pattern of many", (text) => matches(text, times(1000, "a")), (n) => times(n, "*a")],
  [
    "an allowed image",
    (text) => isAllowedImage(text, { image: "x/y:1", allowedImages: ["*/a*a*a*:*"] }),
    (n) => times(n, "a/"),
    (n) => times(n, "aa"),
  ],
  [
    "a size",
    (text) => [taskCpuUnits({ cpu: text }), taskMemoryMiB({ memory: text })],
    (n) => times(n, "1"),
    (n) => times(n, " "),
  ],
  [
    "a tag's value",
    (text) =>
      parseRequest(
        Object.fromEntries(
          ["namespace", "service-account", "hostname", "ports"].map((key) => [`ecs.solo.io/${key}`, text]),
        ),
        { clusterName: "c", serviceName: "s", domain: "d", enrollTagKey: "ztunnel-autopilot/enroll" },
      ),
    (n) => times(n, "a-"),
    (n) => times(n, "a."),
    (n) => `${times(n, "http:80/")}x`,
  ],
  [
    "tags",
    (text) =>
      parseRequest(Object.fromEntries(text.split(",").map((key) => [`ztunnel-autopilot/${key}`, ""])), {
        clusterName: "c",
        serviceName: "s",
        domain: "d",
        enrollTagKey: "ztunnel-autopilot/enroll",
      }),
    (n) => Array.from({ length: n / 50 }, (_, index) => `k${index}`).join(),
  ],
  [
    "a stopped task",
    (stoppedReason) => diagnose({ stoppedTasks: [task("t1", { ...failedToStart, stoppedReason })], runningTasks: [] }),
    (n) => times(n, "dependency "),
    (n) => times(n, "retriev"),
    (n) => times(n, "ELB "),
  ],
  [
    "an event",
    (text) => attempt(() => parseIncoming(deployment({ reason: text, eventName: text }, text))),
    (n) => times(n, "arn:aws:ecs:"),
    (n) => `arn:aws:ecs:us-east-1:123456789012:service/${times(n, "a-")}`,
  ],
  [
    "a definition with secrets",
    (text) => secretReferences({ text }),
    (n) => times(n / 10, "arn:aws:secretsmanager:"),
    (n) => times(n, "arn:aws-"),
  ],
  ["a text with secrets", (text) => redactor(["secret", "secrets"])(text), (n) => times(n, "secre")],
];

const N = 4000;
/** What is quick needs no comparison. */
const QUICK_MS = 40;

describe("a text eight times as long takes no much longer than eight times as long", () => {
  const cases = readers.flatMap(([what, work, ...texts]) =>
    texts.map((textOf, index) => ({ what, work, textOf, index })),
  );

  it.each(cases)("$what, text $index", ({ work, textOf }) => {
    const longMs = fastest(work, textOf(8 * N));
    if (longMs < QUICK_MS) return;
    expect(longMs / fastest(work, textOf(N))).toBeLessThan(24);
  });
});

/** The shortest of three times: what else the machine does only makes one longer. */
function fastest(work: (text: string) => unknown, text: string): number {
  const all = [1, 2, 3].map(() => {
    const startedMs = performance.now();
    work(text);
    return performance.now() - startedMs;
  });
  return Math.min(...all);
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
