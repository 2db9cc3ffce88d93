import { expect } from "vitest";
import { arnOf, type LabDriver, type ServiceName } from "../../../lab/story/lab-driver.ts";
import { isJsonObject, type JsonObject } from "../../../shared/base/json.ts";
import { objectAt, objectsAt, textAt } from "../../../shared/base/json-fields.ts";
import { parseValueFrom } from "../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { containersOf, nameOf } from "../../../shared/model/task-definition.ts";

/** What tests read from a lab in addition to `LabDriver`. */

/** A container in the service's task definition. */
export async function containerOf(driver: LabDriver, service: ServiceName, name: string): Promise<JsonObject> {
  const container = containersOf(await driver.definitionOf(service)).find((one) => nameOf(one) === name);
  if (!container) throw new Error(`${service.name} runs no container ${name}`);
  return container;
}

/** What a container of the service waits for, as `name: CONDITION`. */
export async function waitsFor(driver: LabDriver, service: ServiceName, name: string): Promise<readonly string[]> {
  return objectsAt(await containerOf(driver, service, name), "dependsOn").map(
    ({ containerName, condition }) => `${containerName}: ${condition}`,
  );
}

/** The secret version that the service's ztunnel reads its token from. */
export async function pinnedSecret(driver: LabDriver, service: ServiceName) {
  const secrets = objectsAt(await containerOf(driver, service, "ztunnel"), "secrets");
  const token = secrets.find(({ name }) => name === "BOOTSTRAP_TOKEN");
  const pinned = parseValueFrom(textAt(token ?? {}, "valueFrom") ?? "");
  if (!pinned?.versionId) throw new Error(`${service.name}'s ztunnel pins no secret version`);
  return { ...pinned, versionId: pinned.versionId };
}

/** The value of a secret version, as the execution role reads it. */
export async function secretValue(driver: LabDriver, at: ServiceName, secretArn: string, versionId: string) {
  const input = { SecretId: secretArn, VersionId: versionId };
  return textAt(await driver.lab.call(at, "GetSecretValue", input, "secretsmanager"), "SecretString") ?? "";
}

/** The service's own tags. */
export function tagsOf(driver: LabDriver, service: ServiceName): Readonly<Record<string, string>> {
  return Object.fromEntries(driver.lab.ecs.findService(arnOf(service))?.tags ?? []);
}

export function clusterTagsOf(driver: LabDriver, service: ServiceName): Readonly<Record<string, string>> {
  return Object.fromEntries(driver.lab.ecs.findService(arnOf(service))?.cluster.tags ?? []);
}

/** The addresses and tags of the service's running tasks. */
export function tasksOf(driver: LabDriver, service: ServiceName) {
  return [...(driver.lab.ecs.findService(arnOf(service))?.tasks ?? [])].map((task) => ({
    taskArn: task.arn,
    address: task.network?.address ?? "",
    tags: Object.fromEntries(task.tags),
    healthy: task.healthy,
    revisionArn: task.revision.arn,
  }));
}

/** The ACTIVE revisions of a family, the oldest first. */
export async function revisionsOf(driver: LabDriver, service: ServiceName, family: string): Promise<readonly string[]> {
  const { taskDefinitionArns } = await driver.lab.call(service, "ListTaskDefinitions", { familyPrefix: family });
  return Array.isArray(taskDefinitionArns) ? taskDefinitionArns.filter((arn) => typeof arn === "string") : [];
}

/** The objects of a kind in a control plane. */
export function kubernetesObjects(driver: LabDriver, controlPlane: string, kind: string): readonly JsonObject[] {
  const plane = driver.lab.controlPlanes.get(controlPlane);
  if (!plane) throw new Error(`there is no control plane ${controlPlane}`);
  return plane.state().filter((object) => object.kind === kind);
}

/** The role in a service account's annotation. */
export function boundRole(
  driver: LabDriver,
  controlPlane: string,
  namespace: string,
  name: string,
): string | undefined {
  const accounts = kubernetesObjects(driver, controlPlane, "ServiceAccount").map(({ metadata }) => metadata);
  const found = accounts
    .filter(isJsonObject)
    .find((metadata) => metadata.namespace === namespace && metadata.name === name);
  const annotations = found && isJsonObject(found.annotations) ? found.annotations : {};
  return textAt(annotations, "ecs.solo.io/role-arn");
}

/** The tasks that take HBONE in the mesh under this service account: `task-arn service-account`. */
export function provenTasks(driver: LabDriver, controlPlane: string, namespace: string): readonly string[] {
  return kubernetesObjects(driver, controlPlane, "WorkloadEntry").flatMap((entry) => {
    const metadata = objectAt(entry, "metadata");
    const annotations = objectAt(metadata, "annotations");
    const isRedirected = annotations["ambient.istio.io/redirection"] === "enabled";
    if (metadata.namespace !== namespace || !isRedirected) return [];
    return [`${textAt(annotations, "ecs.solo.io/arn")} ${textAt(objectAt(entry, "spec"), "serviceAccount")}`];
  });
}

export interface Emitted {
  readonly type: string;
  readonly detail: JsonObject;
  readonly atMs: number;
}

/** The autopilot's events about a service, the oldest first. */
export function eventsOf(driver: LabDriver, service: ServiceName): readonly Emitted[] {
  return driver.lab.eventBridge
    .log()
    .filter(({ event }) => event.source === "ztunnel-autopilot" && event.detail.serviceArn === arnOf(service))
    .map(({ event, atMs }) => ({ type: event["detail-type"], detail: event.detail, atMs }));
}

/** The types of the autopilot's events about a service, without warnings. */
export function eventTypesOf(driver: LabDriver, service: ServiceName): readonly string[] {
  return eventsOf(driver, service)
    .map(({ type }) => type)
    .filter((type) => type !== "Service Warned");
}

/** The outcomes of a service's rolls, the oldest first. */
export function outcomesOf(driver: LabDriver, service: ServiceName): readonly (string | undefined)[] {
  return driver.rollsOf(service).map(({ outcome }) => outcome);
}

/** Expects that no roll is open: no lease, no task token, no running execution. */
export async function expectAtRest(driver: LabDriver, service: ServiceName): Promise<void> {
  expect((await driver.state(service))?.roll, "no roll holds the lease or waits with a task token").toBeUndefined();
  const running = driver.rollsOf(service).filter(({ status }) => status === "RUNNING");
  expect(running, "no execution runs").toEqual([]);
}

/** Expects that the service is in the mesh: healthy tasks with WorkloadEntries, a pinned token, and no open roll. */
export async function expectMeshed(driver: LabDriver, service: ServiceName): Promise<void> {
  const state = await driver.state(service);
  const revision = await driver.revisionOf(service);
  expect(await driver.containersOf(service)).toContain("ztunnel");
  expect(state).toMatchObject({ enrolled: true, lastGoodRevisionArn: revision, consecutiveFailures: 0 });
  const { secretArn, versionId } = await pinnedSecret(driver, service);
  expect(state?.secretsInUse.at(-1)).toBe(`${secretArn}:::${versionId}`);
  const tasks = tasksOf(driver, service);
  expect(tasks.map(({ revisionArn }) => revisionArn)).toEqual(tasks.map(() => revision));
  expect(tasks.every(({ healthy }) => healthy)).toBe(true);
  const tags = tagsOf(driver, service);
  const plane = service.region === "us-east-1" ? "mesh-us" : "mesh-eu";
  const known = provenTasks(driver, plane, tags["ecs.solo.io/namespace"] ?? "");
  for (const { taskArn } of tasks) expect(known).toContain(`${taskArn} ${tags["ecs.solo.io/service-account"]}`);
  await expectAtRest(driver, service);
}
