import { expect } from "vitest";
import { arnOf, type LabDriver, type ServiceName } from "../../../lab/story/lab-driver.ts";
import { isJsonObject, type JsonObject } from "../../../shared/base/json.ts";
import { objectsAt, textAt } from "../../../shared/base/json-fields.ts";
import { parseValueFrom } from "../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { containersOf, nameOf } from "../../../shared/model/task-definition.ts";

/** What a test sees of a lab beyond what the stage shows. */

/** A container of what the service runs. */
export async function containerOf(stage: LabDriver, service: ServiceName, name: string): Promise<JsonObject> {
  const container = containersOf(await stage.definitionOf(service)).find((one) => nameOf(one) === name);
  if (!container) throw new Error(`${service.name} runs no container ${name}`);
  return container;
}

/** What a container of the service waits for, as `name: CONDITION`. */
export async function waitsFor(stage: LabDriver, service: ServiceName, name: string): Promise<readonly string[]> {
  return objectsAt(await containerOf(stage, service, name), "dependsOn").map(
    ({ containerName, condition }) => `${containerName}: ${condition}`,
  );
}

/** The secret version that the service's ztunnel starts from. */
export async function pinnedSecret(stage: LabDriver, service: ServiceName) {
  const secrets = objectsAt(await containerOf(stage, service, "ztunnel"), "secrets");
  const token = secrets.find(({ name }) => name === "BOOTSTRAP_TOKEN");
  const pinned = parseValueFrom(textAt(token ?? {}, "valueFrom") ?? "");
  if (!pinned?.versionId) throw new Error(`${service.name}'s ztunnel pins no secret version`);
  return { ...pinned, versionId: pinned.versionId };
}

/** The value of a secret version, as an execution role with the permission reads it. */
export async function secretValue(stage: LabDriver, at: ServiceName, secretArn: string, versionId: string) {
  const input = { SecretId: secretArn, VersionId: versionId };
  return textAt(await stage.lab.call(at, "GetSecretValue", input, "secretsmanager"), "SecretString") ?? "";
}

/** The service's own tags. */
export function tagsOf(stage: LabDriver, service: ServiceName): Readonly<Record<string, string>> {
  return Object.fromEntries(stage.lab.ecs.findService(arnOf(service))?.tags ?? []);
}

export function clusterTagsOf(stage: LabDriver, service: ServiceName): Readonly<Record<string, string>> {
  return Object.fromEntries(stage.lab.ecs.findService(arnOf(service))?.cluster.tags ?? []);
}

/** The addresses and tags of the service's running tasks. */
export function tasksOf(stage: LabDriver, service: ServiceName) {
  return [...(stage.lab.ecs.findService(arnOf(service))?.tasks ?? [])].map((task) => ({
    address: task.network?.privateIpv4Address ?? "",
    tags: Object.fromEntries(task.tags),
    healthy: task.healthy,
    revisionArn: task.revision.arn,
  }));
}

/** The ACTIVE revisions of a family, oldest first. */
export async function revisionsOf(stage: LabDriver, service: ServiceName, family: string): Promise<readonly string[]> {
  const { taskDefinitionArns } = await stage.lab.call(service, "ListTaskDefinitions", { familyPrefix: family });
  return Array.isArray(taskDefinitionArns) ? taskDefinitionArns.filter((arn) => typeof arn === "string") : [];
}

/** Objects of a control plane by kind. */
export function kubernetesObjects(stage: LabDriver, controlPlane: string, kind: string): readonly JsonObject[] {
  const plane = stage.lab.controlPlanes.get(controlPlane);
  if (!plane) throw new Error(`there is no control plane ${controlPlane}`);
  return plane.state().filter((object) => object.kind === kind);
}

/** The role that a service account is annotated with. */
export function boundRole(stage: LabDriver, controlPlane: string, namespace: string, name: string): string | undefined {
  const accounts = kubernetesObjects(stage, controlPlane, "ServiceAccount").map(({ metadata }) => metadata);
  const found = accounts
    .filter(isJsonObject)
    .find((metadata) => metadata.namespace === namespace && metadata.name === name);
  const annotations = found && isJsonObject(found.annotations) ? found.annotations : {};
  return textAt(annotations, "ecs.solo.io/role-arn");
}

/** The addresses for which a namespace has WorkloadEntries. */
export function workloadAddresses(stage: LabDriver, controlPlane: string, namespace: string): readonly string[] {
  return kubernetesObjects(stage, controlPlane, "WorkloadEntry").flatMap(({ metadata, spec }) => {
    const here = isJsonObject(metadata) && metadata.namespace === namespace;
    return here && isJsonObject(spec) ? [textAt(spec, "address") ?? ""] : [];
  });
}

export interface Emitted {
  readonly type: string;
  readonly detail: JsonObject;
  readonly atMs: number;
}

/** The autopilot's own events about a service, the oldest first. */
export function eventsOf(stage: LabDriver, service: ServiceName): readonly Emitted[] {
  return stage.lab.eventBridge
    .log()
    .filter(({ event }) => event.source === "ztunnel-autopilot" && event.detail.serviceArn === arnOf(service))
    .map(({ event, atMs }) => ({ type: event["detail-type"], detail: event.detail, atMs }));
}

/** The names of the autopilot's events about a service, warnings left out. */
export function eventTypesOf(stage: LabDriver, service: ServiceName): readonly string[] {
  return eventsOf(stage, service)
    .map(({ type }) => type)
    .filter((type) => type !== "Service Warned");
}

/** How a service's rolls ended, the oldest first. */
export function outcomesOf(stage: LabDriver, service: ServiceName): readonly (string | undefined)[] {
  return stage.rollsOf(service).map(({ outcome }) => outcome);
}

/** Nothing of a roll is left: no lease, no task token, no running execution. */
export async function expectAtRest(stage: LabDriver, service: ServiceName): Promise<void> {
  expect((await stage.state(service))?.roll, "no roll holds the lease or waits with a task token").toBeUndefined();
  const running = stage.rollsOf(service).filter(({ status }) => status === "RUNNING");
  expect(running, "no execution runs on").toEqual([]);
}

/** The service is in the mesh as a roll leaves it: healthy ztunnels, known to the mesh, pinned token, nothing left open. */
export async function expectMeshed(stage: LabDriver, service: ServiceName): Promise<void> {
  const state = await stage.state(service);
  const revision = await stage.revisionOf(service);
  expect(await stage.containersOf(service)).toContain("ztunnel");
  expect(state).toMatchObject({ enrolled: true, lastGoodRevisionArn: revision, consecutiveFailures: 0 });
  const { secretArn, versionId } = await pinnedSecret(stage, service);
  expect(state?.secretsInUse.at(-1)).toBe(`${secretArn}:::${versionId}`);
  const tasks = tasksOf(stage, service);
  expect(tasks.map(({ revisionArn }) => revisionArn)).toEqual(tasks.map(() => revision));
  expect(tasks.every(({ healthy }) => healthy)).toBe(true);
  const tags = tagsOf(stage, service);
  const plane = service.region === "us-east-1" ? "mesh-us" : "mesh-eu";
  const known = workloadAddresses(stage, plane, tags["ecs.solo.io/namespace"] ?? "");
  for (const { address } of tasks) expect(known).toContain(address);
  await expectAtRest(stage, service);
}
