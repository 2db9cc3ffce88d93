import { memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import type { Config } from "../../shared/config/config.ts";
import {
  pinnedValueFrom,
  secretName,
  versionIdOf,
} from "../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { desiredToken } from "../../shared/enrollment/desired.ts";
import type { ObservedService } from "../../shared/model/service.ts";
import { OBSERVED, web } from "./arns.ts";
import { completedDeployment } from "./deployments.ts";
import { FakeBus } from "./fake-bus.ts";
import { FakeControlPlane } from "./fake-control-plane.ts";
import { FakeEcs } from "./fake-ecs.ts";
import { FakeExecutions } from "./fake-executions.ts";
import { FakeSecrets } from "./fake-secrets.ts";
import { config as configOf, facts, service } from "./services.ts";

export const NOW = Date.UTC(2026, 10, 21, 4);
export { FakeBus, FakeControlPlane, FakeEcs, FakeExecutions, FakeSecrets, OBSERVED, web };

/** A service that is tagged and runs, and all that a roll of it talks to. */
export function rollWorld(
  changes: { readonly service?: Partial<ObservedService>; readonly raw?: JsonObject; readonly config?: Config } = {},
) {
  const clock = { nowMs: NOW };
  const ecs = new FakeEcs(() => clock.nowMs);
  ecs.add(service({ deployments: [completedDeployment()], ...changes.service }), changes.raw);
  const lines: { readonly level: string; readonly message: string; readonly extra: JsonObject }[] = [];
  const line =
    (level: string) =>
    (message: string, extra: JsonObject = {}) => {
      lines.push({ level, message, extra });
    };
  const plane = new FakeControlPlane(() => clock.nowMs);
  return {
    config: changes.config ?? configOf(),
    ecs,
    secrets: new FakeSecrets(),
    plane,
    controlPlane: () => plane,
    ledger: memoryLedger(),
    bus: new FakeBus(),
    executions: new FakeExecutions(),
    clock,
    now: () => clock.nowMs,
    pause: async (ms: number) => {
      clock.nowMs += ms;
    },
    lines,
    log: { info: line("info"), warn: line("warn"), error: line("error") },
  };
}
export type RollWorld = ReturnType<typeof rollWorld>;

/** A world whose ledger has the mesh facts, as the watch leaves them. */
export async function watchedWorld(changes: Parameters<typeof rollWorld>[0] = {}): Promise<RollWorld> {
  const world = rollWorld(changes);
  await world.ledger.putMeshFacts(world.plane.facts);
  return world;
}

/** The `valueFrom` of the token that a service with these tags starts from. */
export function valueFromOf(request: Parameters<typeof desiredToken>[0]): string {
  const token = desiredToken(request, facts);
  return pinnedValueFrom(FakeSecrets.arnOf(secretName(token)), versionIdOf(token));
}

/** What a crashed function leaves to its caller. */
export class Crash extends Error {}

/**
 * The calls of an object, where the nth call (counted over all of `crashing`'s objects) ends the run: before the call is
 * made, or after it was answered.
 */
export function crashing(at: { calls: number; readonly when: "before" | "after" }) {
  return <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, key) => {
        const member: unknown = Reflect.get(object, key);
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          at.calls -= 1;
          const strikes = at.calls === 0;
          if (strikes && member.constructor.name === "AsyncGeneratorFunction") return crashedList(String(key));
          if (strikes && at.when === "before") return Promise.reject(new Crash(String(key)));
          const answer: unknown = member.apply(object, args);
          return strikes ? Promise.resolve(answer).then(() => Promise.reject(new Crash(String(key)))) : answer;
        };
      },
    });
}

/** A list whose first page never came. */
function crashedList(key: string): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Crash(key)) }) };
}
