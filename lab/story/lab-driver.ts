import { type Place, parseServiceArn } from "../../shared/base/arn.ts";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { textAt } from "../../shared/base/json-fields.ts";
import { eventSources, type OperatorDetailType, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import { containersOf, nameOf, registerable } from "../../shared/model/task-definition.ts";
import type { Lab } from "../autopilot/lab.ts";
import { revisionArn } from "../fleet/fleet.ts";

/** The reason why an act failed. */
export class ActFailed extends Error {
  override readonly name = "ActFailed";
}

/** Throws `ActFailed` with the text unless the condition is true. */
export function expectThat(condition: boolean, why: string): void {
  if (!condition) throw new ActFailed(why);
}

/** A service of the lab, named as an operator would name it. */
export interface ServiceName extends Place {
  readonly cluster: string;
  readonly name: string;
}

export function arnOf({ account, region, cluster, name }: ServiceName): string {
  return `arn:aws:ecs:${region}:${account}:service/${cluster}/${name}`;
}

/** What a story or a test does in a lab, and reads from it: the actions of operators and pipelines. */
export class LabDriver {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async tag(service: ServiceName, tags: Readonly<Record<string, string>>): Promise<void> {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    await this.lab.call(service, "TagResource", { resourceArn: arnOf(service), tags: list });
  }

  async untag(service: ServiceName, ...tagKeys: string[]): Promise<void> {
    await this.lab.call(service, "UntagResource", { resourceArn: arnOf(service), tagKeys });
  }

  /** Registers a definition and updates the service to it, as a CI pipeline does. Returns the revision's ARN. */
  async deploy(service: ServiceName, definition: JsonObject): Promise<string> {
    const taskDefinition = revisionArn(await this.lab.call(service, "RegisterTaskDefinition", definition));
    await this.lab.call(service, "UpdateService", { cluster: service.cluster, service: service.name, taskDefinition });
    return taskDefinition;
  }

  async describe(service: ServiceName): Promise<JsonObject> {
    const input = { cluster: service.cluster, services: [service.name], include: ["TAGS"] };
    const { services } = await this.lab.call(service, "DescribeServices", input);
    const [first] = Array.isArray(services) ? services : [];
    if (!isJsonObject(first)) throw new ActFailed(`there is no service ${service.name}`);
    return first;
  }

  async revisionOf(service: ServiceName): Promise<string> {
    return textAt(await this.describe(service), "taskDefinition") ?? "";
  }

  /** The task definition of the service's primary deployment, in registerable form. */
  async definitionOf(service: ServiceName): Promise<JsonObject> {
    const taskDefinition = await this.revisionOf(service);
    const described = await this.lab.call(service, "DescribeTaskDefinition", { taskDefinition });
    if (!isJsonObject(described.taskDefinition)) throw new ActFailed(`there is no revision ${taskDefinition}`);
    return registerable(described.taskDefinition, []);
  }

  async containersOf(service: ServiceName): Promise<readonly string[]> {
    return containersOf(await this.definitionOf(service)).map(nameOf);
  }

  async inMesh(service: ServiceName): Promise<boolean> {
    return (await this.containersOf(service)).includes(ZTUNNEL);
  }

  state(service: ServiceName): Promise<ServiceState | undefined> {
    return this.lab.ledger.getService(arnOf(service));
  }

  /** True once no roll holds the service's lease and its last roll had this outcome. */
  async ended(service: ServiceName, outcome: string): Promise<boolean> {
    const state = await this.state(service);
    return state?.roll === undefined && state?.lastOutcome?.outcome === outcome;
  }

  rollsOf(service: ServiceName) {
    return this.lab.rolls().filter((roll) => roll.service === arnOf(service));
  }

  /** Slack messages that name the service. */
  messagesAbout(service: ServiceName): readonly string[] {
    return this.lab.slack.messages().flatMap(({ text }) => (text.includes(service.name) ? [text] : []));
  }

  /** Lets lab time pass until the condition is true. Throws `ActFailed` when it isn't in time. */
  async until(what: string, withinMinutes: number, condition: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = this.lab.clock.now() + withinMinutes * 60_000;
    while (!(await condition())) {
      if (this.lab.clock.now() >= deadline) throw new ActFailed(`not within ${withinMinutes} minutes: ${what}`);
      await this.lab.clock.sleep(2000);
    }
  }

  /** Requests a rollout, as the operator's command does. */
  async request(detail: JsonObject): Promise<void> {
    await this.#put("Rollout Requested", detail);
  }

  /** Pauses, resumes, approves, aborts or rolls back a rollout, as an operator. */
  async control(detail: JsonObject): Promise<void> {
    await this.#put("Rollout Control", detail);
  }

  /** Releases orphaned services, as the operator's command does. */
  async release(serviceArns: readonly string[]): Promise<void> {
    await this.#put("Release Requested", { serviceArns: [...serviceArns], requestedBy: "ann" });
  }

  async #put(detailType: OperatorDetailType, detail: JsonObject): Promise<void> {
    const { homeAccount: account, homeRegion: region } = this.lab.config;
    const entry = {
      Source: eventSources.operator,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
      EventBusName: resourceNames(this.lab.config).busName,
    };
    await this.lab.call({ account, region }, "PutEvents", { Entries: [entry] }, "AWSEvents");
  }

  async minutes(count: number): Promise<void> {
    await this.lab.clock.sleep(count * 60_000);
  }
}

/** What `npm start -- --report` reports about a service. */
export interface ServiceReport {
  readonly arn: string;
  readonly enrolled: boolean;
  readonly taskDefinitionArn: string;
  readonly containers: readonly string[];
  readonly ztunnel: { readonly image: string; readonly secretVersionId: string } | null;
  readonly lastOutcome: string | null;
}

/** The service's current state. */
export async function serviceReport(driver: LabDriver, arn: string): Promise<ServiceReport> {
  const ref = parseServiceArn(arn);
  if (!ref) throw new Error(`not a service's ARN: ${arn}`);
  const service = { ...ref, cluster: ref.clusterName, name: ref.serviceName };
  const containers = containersOf(await driver.definitionOf(service));
  const state = await driver.lab.ledger.getService(arn);
  const ztunnel = containers.find((container) => nameOf(container) === ZTUNNEL);
  return {
    arn,
    enrolled: state?.enrolled ?? false,
    taskDefinitionArn: await driver.revisionOf(service),
    containers: containers.map(nameOf),
    ztunnel: ztunnel ? { image: textAt(ztunnel, "image") ?? "", secretVersionId: versionOf(ztunnel) } : null,
    lastOutcome: state?.lastOutcome?.outcome ?? null,
  };
}

function versionOf(ztunnel: JsonObject): string {
  const secrets: readonly Json[] = Array.isArray(ztunnel.secrets) ? ztunnel.secrets : [];
  const token = secrets.filter(isJsonObject).find(({ name }) => name === "BOOTSTRAP_TOKEN");
  return (token && textAt(token, "valueFrom")?.split(":").at(-1)) ?? "";
}
