import { AutopilotError } from "../../base/errors.ts";
import { newFleetState } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import { costMs, firstStartMs } from "../aws/pace.ts";
import { attemptOf } from "./ledger-change.ts";
import {
  checkRolloutServicePatch,
  fleetKey,
  MAX_ORDINAL,
  META,
  paceKey,
  ROLLOUT_PREFIX,
  readEach,
  readFleet,
  readPace,
  readRollout,
  readRolloutService,
  rolloutKey,
  rolloutServiceKey,
} from "./ledger-items.ts";
import { type LedgerTable, MAX_TRIES, type Update } from "./ledger-table.ts";

const newFleet = () => structuredClone(newFleetState);

export type FleetCalls = Pick<RolloutLedger, "getFleet" | "changeFleet">;

/** What is remembered of the fleet as a whole. */
export function dynamoDbFleet(table: LedgerTable): FleetCalls {
  return {
    getFleet: async () => {
      const item = await table.get(fleetKey);
      return item ? readFleet(item) : newFleet();
    },

    changeFleet: (change) =>
      table.change(fleetKey, (item) => {
        const before = item ? readFleet(item) : newFleet();
        return attemptOf({ key: fleetKey, before, read: readFleet }, change);
      }),
  };
}

/** What is remembered of rollouts, in the ledger's table. */
export function dynamoDbRollouts(table: LedgerTable): RolloutLedger {
  return {
    ...dynamoDbFleet(table),

    createRollout: async (rollout) => {
      const key = rolloutKey(rollout.id);
      return table.create({ ...key, ...readRollout({ ...key, ...rollout }) });
    },

    getRollout: async (id) => {
      const item = await table.get(rolloutKey(id));
      return item && readRollout(item);
    },

    changeRollout: (id, change) => {
      const key = rolloutKey(id);
      return table.change(key, (item) =>
        item ? attemptOf({ key, before: readRollout(item), read: readRollout }, change) : { answer: undefined },
      );
    },

    listRollouts: (onUnreadable) => {
      const items = table.scan({
        FilterExpression: "#sk = :meta AND begins_with(#pk, :rollout)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":meta": META, ":rollout": ROLLOUT_PREFIX },
      });
      return readEach(items, readRollout, onUnreadable);
    },

    putRolloutServices: async (services) => {
      const items = services.map((service) => {
        const key = rolloutServiceKey(service.rolloutId, service.ordinal);
        return { ...key, ...readRolloutService({ ...key, ...service }) };
      });
      // A try of the first step that was given up may still write when the next one is done.
      await table.putAll(items, ({ startTry }) => ({
        ConditionExpression: "attribute_not_exists(startTry) OR startTry <= :try",
        ExpressionAttributeValues: { ":try": startTry },
      }));
    },

    getRolloutService: async (rolloutId, ordinal) => {
      const item = await table.get(rolloutServiceKey(rolloutId, ordinal));
      return item && readRolloutService(item);
    },

    patchRolloutService: async (rolloutId, ordinal, expected, patch) => {
      const key = rolloutServiceKey(rolloutId, ordinal);
      checkRolloutServicePatch(key, patch);
      const given = Object.entries(patch).filter(([, value]) => value !== undefined);
      const item = await table.update(key, setIf(Object.entries(expected), given));
      if (item) return readRolloutService(item);
      if (!(await table.get(key))) throw new AutopilotError("unknown-rollout", `${key.pk} / ${key.sk}`);
      return undefined;
    },

    listRolloutServices: async function* (rolloutId, { first, last } = { first: 0, last: MAX_ORDINAL }) {
      const from = rolloutServiceKey(rolloutId, first);
      const to = rolloutServiceKey(rolloutId, Math.min(last, MAX_ORDINAL));
      if (from.sk > to.sk) return;
      const items = table.query({
        KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :from AND :to",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":pk": from.pk, ":from": from.sk, ":to": to.sk },
      });
      for await (const item of items) yield readRolloutService(item);
    },

    reserveStart: async (lane, nowMs, pace) => {
      const key = paceKey(lane);
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        // In a busy lane every caller needs one write, and none loses. Only the first in an idle lane restarts it.
        const moved =
          (await table.update(key, addToPace(nowMs, costMs(pace)))) ??
          (await table.update(key, restartPace(nowMs, costMs(pace))));
        if (moved) return firstStartMs(readPace({ ...key, ...moved }).tatMs, nowMs, pace);
      }
      throw new AutopilotError("throttled", `UpdateItem ${key.pk}: others wrote it first ${MAX_TRIES} times.`);
    },
  };
}

type Member = readonly [name: string, value: unknown];

/** Sets members of an item that exists and has the expected ones; `null` is a value, an undefined one is absent. */
function setIf(expected: readonly Member[], given: readonly Member[]): Update {
  const set = given.map(([name, value], index) => ({ name, value, key: `n${index}` }));
  const known = expected.map(([name, value], index) => ({ name, value, key: `e${index}` }));
  const conditions = known.map(({ key, value }) =>
    value === undefined ? `attribute_not_exists(#${key})` : `#${key} = :${key}`,
  );
  const values = [...set, ...known].filter(({ value }) => value !== undefined);
  return {
    UpdateExpression: `SET ${set.map(({ key }) => `#${key} = :${key}`).join(", ")}`,
    ConditionExpression: ["attribute_exists(pk)", ...conditions].join(" AND "),
    ExpressionAttributeNames: Object.fromEntries([...set, ...known].map(({ key, name }) => [`#${key}`, name])),
    ExpressionAttributeValues: Object.fromEntries(values.map(({ key, value }) => [`:${key}`, value])),
    ReturnValues: "ALL_NEW",
  };
}

function addToPace(nowMs: number, cost: number): Update {
  return {
    UpdateExpression: "ADD tatMs :cost",
    ConditionExpression: "tatMs >= :now",
    ExpressionAttributeValues: { ":cost": cost, ":now": nowMs },
    ReturnValues: "UPDATED_NEW",
  };
}

function restartPace(nowMs: number, cost: number): Update {
  return {
    UpdateExpression: "SET tatMs = :tat",
    ConditionExpression: "attribute_not_exists(tatMs) OR tatMs < :now",
    ExpressionAttributeValues: { ":tat": nowMs + cost, ":now": nowMs },
    ReturnValues: "UPDATED_NEW",
  };
}
