import type { JsonObject } from "../../shared/base/json.ts";
import { pinnedValueFrom } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { type Inject, inject } from "../../shared/data-plane/ztunnel/index.ts";
import { type DecisionInput, decide } from "../../shared/enrollment/decide.ts";
import type { Decision } from "../../shared/enrollment/decision.ts";
import { sidecarSpec } from "../../shared/enrollment/sidecar-spec.ts";
import { containersOf, registerable } from "../../shared/model/task-definition.ts";
import { secretArn } from "./arns.ts";
import { observed } from "./services.ts";

export function desiredOf(decision: Decision) {
  if (decision.action !== "enroll" && decision.action !== "update") throw new Error(`it is ${decision.action}`);
  return decision.desired;
}

/** The task definition as a roll would leave it, by this release or another one. */
export function meshed(before: DecisionInput, build: Inject = inject): JsonObject {
  const { definition, config } = before;
  const desired = desiredOf(decide(before));
  const valueFrom = pinnedValueFrom(secretArn(desired.secret.secretName), desired.secret.versionId);
  const injected = build(registerable(definition.raw, definition.tags), sidecarSpec(desired, valueFrom, config));
  if (!injected.ok) throw new Error(injected.detail);
  return injected.definition;
}

export const withZtunnel = (definition: JsonObject, change: (ztunnel: JsonObject) => JsonObject): JsonObject => ({
  ...definition,
  containerDefinitions: containersOf(definition).map((one) => (one.name === "ztunnel" ? change(one) : one)),
});

export const byHand = withZtunnel(meshed(observed()), ({ secrets: _secrets, ...ztunnel }) => ({
  ...ztunnel,
  environment: [{ name: "BOOTSTRAP_TOKEN", value: "dG9rZW4=" }],
}));

export const reasonsOf = (decision: Decision): string[] =>
  decision.action === "refuse" ? decision.refusals.map(({ reason }) => reason) : [];
