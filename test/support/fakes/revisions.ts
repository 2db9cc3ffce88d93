import { AutopilotError } from "../../../shared/base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../shared/base/json.ts";
import type { DescribedTaskDefinition } from "../../../shared/model/service.ts";
import { containersOf } from "../../../shared/model/task-definition.ts";

const PREFIX = "arn:aws:ecs:us-east-1:123456789012:task-definition/";

/** The task definition revisions of a fake ECS, by family and number, as it describes them. */
export class FakeRevisions {
  readonly byArn = new Map<string, DescribedTaskDefinition>();

  /** Adds a revision under an ARN that is given, as if it had been registered long ago. */
  add(taskDefinitionArn: string, raw: JsonObject): void {
    const { family, number } = nameOf(taskDefinitionArn);
    const described = { ...withDefaults(raw), taskDefinitionArn, ...(family && { family, revision: number }) };
    this.byArn.set(taskDefinitionArn, { taskDefinitionArn, raw: { status: "ACTIVE", ...described }, tags: [] });
  }

  /** Registers the family's next revision. Throws `registration-refused`. */
  register({ tags, ...definition }: JsonObject): DescribedTaskDefinition {
    const { family } = definition;
    if (typeof family !== "string" || family === "") throw refused("Family should not be null or empty.");
    const containers = Array.isArray(definition.containerDefinitions) ? definition.containerDefinitions : [];
    if (containers.length === 0) throw refused("Container definitions cannot be empty.");
    if (!containers.every(isContainer))
      throw refused("Container.name and Container.image should not be null or empty.");
    const numbers = this.#of(family).map(({ taskDefinitionArn }) => nameOf(taskDefinitionArn).number);
    const revision = Math.max(0, ...numbers) + 1;
    const taskDefinitionArn = `${PREFIX}${family}:${revision}`;
    const raw = { ...withDefaults(definition), taskDefinitionArn, revision, status: "ACTIVE" };
    const described = { taskDefinitionArn, raw, tags: tagsOf(tags) };
    this.byArn.set(taskDefinitionArn, described);
    return described;
  }

  deregister(taskDefinitionArn: string): void {
    const found = this.find(taskDefinitionArn);
    this.byArn.set(taskDefinitionArn, { ...found, raw: { ...found.raw, status: "INACTIVE" } });
  }

  /** Throws `task-definition-not-found`. */
  find(taskDefinitionArn: string): DescribedTaskDefinition {
    const found = this.byArn.get(taskDefinitionArn);
    if (!found) throw new AutopilotError("task-definition-not-found", taskDefinitionArn);
    return found;
  }

  isActive(taskDefinitionArn: string): boolean {
    return this.byArn.get(taskDefinitionArn)?.raw.status === "ACTIVE";
  }

  /** The family's newest ACTIVE revision. */
  latest(family: string): DescribedTaskDefinition | undefined {
    const number = ({ taskDefinitionArn }: DescribedTaskDefinition) => nameOf(taskDefinitionArn).number;
    return this.#of(family)
      .filter(({ taskDefinitionArn }) => this.isActive(taskDefinitionArn))
      .reduce<DescribedTaskDefinition | undefined>(
        (newest, one) => (newest && number(newest) > number(one) ? newest : one),
        undefined,
      );
  }

  containersOf(taskDefinitionArn: string): readonly JsonObject[] {
    return containersOf(this.byArn.get(taskDefinitionArn)?.raw ?? {});
  }

  #of(family: string): readonly DescribedTaskDefinition[] {
    return [...this.byArn.values()].filter(({ taskDefinitionArn }) => nameOf(taskDefinitionArn).family === family);
  }
}

function nameOf(taskDefinitionArn: string): { readonly family: string | undefined; readonly number: number } {
  const [, family, number] = /:task-definition\/([\w-]+):(\d+)$/.exec(taskDefinitionArn) ?? [];
  return { family, number: Number(number) };
}

function refused(detail: string): AutopilotError {
  return new AutopilotError("registration-refused", detail);
}

function isContainer(container: Json): boolean {
  return isJsonObject(container) && [container.name, container.image].every((one) => typeof one === "string");
}

function tagsOf(tags: Json | undefined): { key: string; value: string }[] {
  const list = Array.isArray(tags) ? tags.filter(isJsonObject) : [];
  return list.map(({ key, value }) => ({ key: String(key), value: String(value ?? "") }));
}

/** What ECS adds to a definition that it describes: empty lists, and the defaults of containers and port mappings. */
function withDefaults(definition: JsonObject): JsonObject {
  const { containerDefinitions } = definition;
  return {
    volumes: [],
    placementConstraints: [],
    ...definition,
    ...(Array.isArray(containerDefinitions) && { containerDefinitions: containerDefinitions.map(containerDefaults) }),
  };
}

function containerDefaults(container: Json): Json {
  if (!isJsonObject(container)) return container;
  const mappings = Array.isArray(container.portMappings) ? container.portMappings.filter(isJsonObject) : [];
  return {
    cpu: 0,
    essential: true,
    environment: [],
    mountPoints: [],
    volumesFrom: [],
    systemControls: [],
    ...container,
    portMappings: mappings.map((mapping) => ({ hostPort: mapping.containerPort ?? 0, protocol: "tcp", ...mapping })),
  };
}
