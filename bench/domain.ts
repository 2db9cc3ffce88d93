import type { JsonObject } from "../shared/base/json.ts";
import { encodeToken, pinnedValueFrom } from "../shared/data-plane/ztunnel/index.ts";
import { type DecisionInput, decide } from "../shared/enrollment/decide.ts";
import type { DesiredEnrollment } from "../shared/enrollment/decision.ts";
import { desiredDefinition } from "../shared/enrollment/definition.ts";
import { desiredToken } from "../shared/enrollment/desired.ts";
import { containersOf } from "../shared/model/task-definition.ts";
import { type Figures, median, type Part } from "./report.ts";
import { nineContainers } from "./ten-containers.ts";

const WARM_UP_RUNS = 2_000;
const BATCHES = 200;
const RUNS_PER_BATCH = 20;

/** How long decisions and injections take, compared with parsing and writing the same JSON. */
export const domain: Part = {
  name: "domain",
  about: "decide, inject and token on a task definition of ten containers, compared with JSON.parse and JSON.stringify",
  measure: async (progress) => {
    progress(`${BATCHES * RUNS_PER_BATCH} runs of each subject`);
    return [times()];
  },
};

function times(): Figures {
  const before = nineContainers;
  const { injected, desired } = decideAndInject(before);
  const after: DecisionInput = {
    ...before,
    definition: { ...before.definition, raw: injected },
    state: { enrolled: true },
  };
  const unchanged = decide(after);
  if (unchanged.action !== "none") throw new Error(`the injected definition is not as desired: ${unchanged.action}`);
  const { facts } = before;
  if (!facts) throw new Error("the service has no mesh facts");
  const text = JSON.stringify(injected);

  const subjects: readonly (readonly [string, () => unknown])[] = [
    ["JSON.parse + JSON.stringify", () => JSON.stringify(JSON.parse(text))],
    ["decide + inject", () => decideAndInject(before)],
    ["decide, not enrolled yet", () => decide(before)],
    ["decide, nothing to change", () => decide(after)],
    ["token, built and encoded", () => encodeToken(desiredToken(desired.request, facts))],
  ];
  const measured = subjects.map(([what, run]) => [what, microseconds(run)] as const);
  const baseline = measured[0]?.[1] ?? Number.NaN;
  return {
    title: `Domain functions on ${containersOf(injected).length} containers (${Buffer.byteLength(text)} bytes of JSON)`,
    columns: ["subject", "µs", "times parse + stringify"],
    rows: measured.map(([what, us]) => [what, us, us / baseline]),
    notes: [`Median of ${BATCHES} batches of ${RUNS_PER_BATCH} runs in one warm process.`],
  };
}

function decideAndInject(observed: DecisionInput): {
  readonly injected: JsonObject;
  readonly desired: DesiredEnrollment;
} {
  const decision = decide(observed);
  if (decision.action !== "enroll") throw new Error(`the decision is not to enroll: ${decision.action}`);
  const { desired } = decision;
  const { account, region } = observed.service.ref;
  const secretArn = `arn:aws:secretsmanager:${region}:${account}:secret:${desired.secret.secretName}-AbCdEf`;
  const valueFrom = pinnedValueFrom(secretArn, desired.secret.versionId);
  const injection = desiredDefinition(observed.definition, desired, valueFrom, observed.config);
  if (!injection.ok) throw new Error(`${injection.refusal}: ${injection.detail}`);
  return { injected: injection.definition, desired };
}

function microseconds(run: () => unknown): number {
  for (let count = 0; count < WARM_UP_RUNS; count += 1) run();
  const batches = Array.from({ length: BATCHES }, () => {
    const startedMs = performance.now();
    for (let count = 0; count < RUNS_PER_BATCH; count += 1) run();
    return ((performance.now() - startedMs) * 1000) / RUNS_PER_BATCH;
  });
  return median(batches);
}
