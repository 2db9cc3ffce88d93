import { canonicalJson, type Json, type JsonObject, sha256 } from "../../../base/json.ts";
import { without } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { containersOf, nameOf } from "../../../model/task-definition.ts";
import { corrections } from "./corrections.ts";
import { type Inject, type Injection, inject } from "./inject.ts";
import { referenceDefinitions } from "./reference-definitions.ts";
import type { SidecarSpec } from "./sidecar.ts";

/** What a service's own tags and mesh facts decide: the same for every hash. */
const reference = (region: string) => ({
  image: "ztunnel:1",
  secretValueFrom: `arn:aws:secretsmanager:${region}:123456789012:secret:ztunnel-autopilot/a/b/c-AbCdEf:::${"0".repeat(64)}`,
});
const REGION = "us-east-1";

/** Hashes of the sidecar settings, by the drift that a service shows which has others. */
export type SidecarSettings = Readonly<Partial<Record<DriftReason, string>>>;

/**
 * Hashes of all that the configuration and the release decide about the sidecar of any service: taken from the
 * task definitions that come of building it into the reference definitions, so that no constant can be left out.
 */
export function sidecarSettings(
  spec: Omit<SidecarSpec, "image" | "secretValueFrom" | "proxyEnv">,
  build: Inject = inject,
): SidecarSettings {
  const parts: Partial<Record<DriftReason, Record<string, Json>>> = {};
  const note = (found: readonly Part[], ...where: readonly (string | boolean)[]) => {
    for (const { reason, container, member, value } of found) {
      const part = parts[reason] ?? {};
      parts[reason] = part;
      part[[...where, container, member].join("/")] = value;
    }
  };
  for (const [name, definition] of Object.entries(referenceDefinitions)) {
    for (const proxyEnv of [false, true]) {
      const injection = build(definition, { ...spec, ...reference(REGION), proxyEnv });
      note(injection.ok ? partsOf(injection.definition) : [refused(injection)], name, proxyEnv);
    }
  }
  for (const region of Object.keys(spec.logs ?? {})) {
    const injection = build(referenceDefinitions.unlogged, { ...spec, ...reference(region), proxyEnv: false });
    const found = injection.ok ? partsOf(injection.definition) : [];
    note(
      found.filter(({ reason }) => reason === "log-configuration"),
      region,
    );
  }
  return Object.fromEntries(
    Object.entries(parts).map(([reason, part]) => [reason, sha256(canonicalJson(part)).slice(0, 16)] as const),
  );
}

interface Part {
  readonly reason: DriftReason;
  readonly container: string;
  readonly member: string;
  readonly value: Json;
}

/** Everything in the definition, by the drift that it is where it differs. */
function partsOf(definition: JsonObject): readonly Part[] {
  const rest = without(definition, "containerDefinitions");
  return [
    { reason: "container-settings", container: "", member: "", value: rest },
    ...containersOf(definition).flatMap((one) =>
      Object.entries(one).map(([member, value]) => {
        const container = nameOf(one);
        return { reason: reasonOf(container, member), container, member, value };
      }),
    ),
  ];
}

/** A configuration that no definition has room for: services say so themselves. */
function refused({ refusal }: Extract<Injection, { ok: false }>): Part {
  return { reason: "container-settings", container: "", member: "refusal", value: refusal };
}

function reasonOf(container: string, member: string): DriftReason {
  const reasons = container === ZTUNNEL ? ztunnelReasons : otherReasons;
  return reasons.get(member) ?? "container-settings";
}

const ztunnelReasons: ReadonlyMap<string, DriftReason> = new Map(
  Object.entries(corrections).flatMap(([member, correction]) =>
    correction === "kept" ? [] : [[member, correction.reason]],
  ),
);

const otherReasons: ReadonlyMap<string, DriftReason> = new Map([
  ["dependsOn", "dependency"],
  ["environment", "proxy-env"],
]);
