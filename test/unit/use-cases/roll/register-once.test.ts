import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../shared/base/json.ts";
import type { ServiceState } from "../../../../shared/model/service-state.ts";
import { registerable } from "../../../../shared/model/task-definition.ts";
import { registerOnce } from "../../../../shared/use-cases/roll/register-once.ts";
import { OBSERVED, revisionArn } from "../../../support/arns.ts";
import { stateOf } from "../../../support/endings.ts";
import { taskDefinition } from "../../../support/services.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";

const wanted = (cpu = "2048"): JsonObject => ({ ...registerable(taskDefinition(), []), cpu });

async function setUp() {
  const { ecs } = rollTestbed();
  const current = await ecs.describeTaskDefinition(OBSERVED);
  const register = (definition: JsonObject, state: Partial<ServiceState> = {}) =>
    registerOnce(definition, current, stateOf(state), ecs);
  return { ecs, register };
}

describe("a definition", () => {
  it("that nobody has registered is registered as it is", async () => {
    const { ecs, register } = await setUp();
    const { taskDefinitionArn } = await register(wanted());
    expect(ecs.registered).toEqual([taskDefinitionArn]);
    const { raw } = await ecs.describeTaskDefinition(taskDefinitionArn);
    const { raw: before } = await ecs.describeTaskDefinition(OBSERVED);
    expect(registerable(raw, [])).toEqual({ ...registerable(before, []), cpu: "2048" });
  });

  it("that the current revision has is that revision, with the empty lists that ECS adds", async () => {
    const { ecs, register } = await setUp();
    const same = { ...registerable(taskDefinition(), []), volumes: [], placementConstraints: [] };
    expect(await register(same)).toMatchObject({ taskDefinitionArn: OBSERVED });
    expect(ecs.registered).toEqual([]);
  });

  it("that the ledger remembers is not registered again", async () => {
    const { ecs, register } = await setUp();
    const registered = await register(wanted());
    expect(await register(wanted(), { registered })).toEqual(registered);
    expect(ecs.registered).toHaveLength(1);
  });

  it("that the ledger remembers as the one before is not registered again", async () => {
    const { ecs, register } = await setUp();
    const registeredBefore = await register(wanted());
    const registered = await register(wanted("4096"));
    expect(await register(wanted(), { registered, registeredBefore })).toEqual(registeredBefore);
    expect(ecs.registered).toHaveLength(2);
  });

  it("other than the remembered one is registered", async () => {
    const { ecs, register } = await setUp();
    const registered = await register(wanted());
    await register(wanted("4096"), { registered });
    expect(ecs.registered).toHaveLength(2);
  });

  it("whose remembered revision was deregistered is registered again", async () => {
    const { ecs, register } = await setUp();
    const registered = await register(wanted());
    ecs.deregister(registered.taskDefinitionArn);
    expect((await register(wanted(), { registered })).taskDefinitionArn).not.toBe(registered.taskDefinitionArn);
  });

  it("whose remembered revision was deleted is registered again", async () => {
    const { ecs, register } = await setUp();
    const registered = { ...(await register(wanted())), taskDefinitionArn: revisionArn("web", 99) };
    expect((await register(wanted(), { registered })).taskDefinitionArn).toBe(ecs.registered[1]);
  });

  it("that an attempt before a crash has registered is found, and only searched for after one", async () => {
    const { ecs, register } = await setUp();
    const { taskDefinitionArn } = await register(wanted());
    const roll = { executionName: "roll", leaseUntil: 1, applyStartedAt: "2026-11-21T04:00:00.000Z" };
    expect(await register(wanted(), { roll })).toMatchObject({ taskDefinitionArn });
    expect(ecs.registered).toHaveLength(1);
    await register(wanted(), { roll: { executionName: "roll", leaseUntil: 1 } });
    expect(ecs.registered).toHaveLength(2);
  });
});
