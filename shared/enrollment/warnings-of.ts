import type { JsonObject } from "../base/json.ts";
import { isSet } from "../base/json-fields.ts";
import { counted } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { headroom, proxyProblemsIn, type SidecarSpec, sidecarIn } from "../data-plane/ztunnel/index.ts";
import type { MeshFacts } from "../model/mesh.ts";
import type { Refusal, Warning } from "../model/reasons.ts";
import type { DescribedTaskDefinition, ObservedService } from "../model/service.ts";
import type { TagRequest } from "./decision.ts";
import { meshNameProblems } from "./mesh-names.ts";
import { derivedPorts, portsProblems } from "./ports.ts";
import { skewWarnings } from "./version-skew.ts";

/** What does not keep the service out of the mesh, but may hurt it there. */
export function warningsOf(input: {
  readonly service: ObservedService;
  readonly definition: DescribedTaskDefinition;
  readonly request: TagRequest;
  readonly facts: MeshFacts;
  readonly spec: SidecarSpec;
  readonly config: Config;
}): readonly Warning[] {
  const { service, definition, request, facts, spec, config } = input;
  const sidecar = sidecarIn(definition.raw, spec);
  return [
    ...nameWarnings(service, request, config),
    ...headroomWarnings(definition, sidecar, service, config),
    ...proxyWarnings(definition, request),
    ...(isSet(sidecar, "logConfiguration")
      ? []
      : [{ code: "no-log", detail: `ztunnel.logs has no log group for ${service.ref.region}.` } as const]),
    ...deploymentWarnings(service),
    ...portsProblems(definition.raw, request.ports ?? derivedPorts(definition.raw)).map(
      (detail): Warning => ({ code: "ports", detail }),
    ),
    ...(service.usesServiceConnect
      ? [{ code: "service-connect", detail: "Calls by Service Connect's names bypass ztunnel." } as const]
      : []),
    ...skewWarnings(spec.image, facts),
  ];
}

function proxyWarnings({ raw }: DescribedTaskDefinition, { proxyEnv }: TagRequest): readonly Warning[] {
  const problems = proxyEnv ? proxyProblemsIn(raw) : [];
  return problems.length > 0 ? [{ code: "proxy-env", detail: problems.join(" ") }] : [];
}

/** The warning of a service that stays in the mesh though it would be refused today. */
export function keptWarning({ reason, detail }: Refusal): Warning {
  return { code: "kept", detail: `${reason}: ${detail}` };
}

function nameWarnings({ ref }: ObservedService, { hostname }: TagRequest, { policy }: Config): readonly Warning[] {
  if (policy.nameRules !== "warn") return [];
  return meshNameProblems({ ref, hostname }).map((detail): Warning => ({ code: "mesh-name", detail }));
}

/**
 * What AWS recommends to add to a task for Service Connect's proxy.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html
 */
const SERVICE_CONNECT_PROXY = { cpuUnits: 256, memoryMiB: 64 } as const;

function headroomWarnings(
  { raw }: DescribedTaskDefinition,
  sidecar: JsonObject,
  { usesServiceConnect }: ObservedService,
  { policy }: Config,
): readonly Warning[] {
  const { cpuUnits, memoryMiB } = headroom(raw, usesServiceConnect ? SERVICE_CONNECT_PROXY : undefined, sidecar);
  const left: string[] = [];
  if (cpuUnits !== undefined && cpuUnits < policy.minHeadroom.cpuUnits) left.push(`${cpuUnits} CPU units under load`);
  if (memoryMiB !== undefined && memoryMiB < policy.minHeadroom.memoryMiB) left.push(`${memoryMiB} MiB of memory`);
  return left.length > 0 ? [{ code: "headroom", detail: `Left for ztunnel: ${left.join(" and ")}.` }] : [];
}

function deploymentWarnings({
  deploymentStrategy,
  hasPauseHook,
  strategyMinutes,
}: ObservedService): readonly Warning[] {
  const causes = [
    ...(deploymentStrategy === "ROLLING" ? [] : [`strategy ${deploymentStrategy}`]),
    ...(hasPauseHook ? ["a pause hook"] : []),
  ];
  if (causes.length === 0) return [];
  const detail = `The service has ${causes.join(" and ")}: up to ${counted(strategyMinutes, "minute")} more.`;
  return [{ code: "slow-deployment", detail }];
}
