import { newChannel } from "../../model/channel.ts";
import type { MeshState } from "../../model/mesh.ts";
import { type NoticeMember, noticeMembers, type ServiceState } from "../../model/service-state.ts";
import type { ChannelLedger, Ledger, Ledgers, Notice, ServiceLedger } from "../../ports/ledger.ts";
import { withFacts } from "../../trust/generations.ts";
import type { PlacedClients } from "../aws/aws-clients.ts";
import { dynamoDbGone } from "./gone-dynamodb.ts";
import { attemptOf } from "./ledger-change.ts";
import {
  CLAIM_PREFIX,
  channelKey,
  checkServiceChanges,
  claimKey,
  FACTS,
  fleetKey,
  MESH_PREFIX,
  meshKey,
  readChannel,
  readClaim,
  readEach,
  readKnownItem,
  readMesh,
  readService,
  SERVICE_PREFIX,
  STATE,
  serviceKey,
  unlessUnreadable,
} from "./ledger-items.ts";
import { type LedgerTable, type LedgerTableOptions, ledgerTable } from "./ledger-table.ts";
import { updateExpression } from "./ledger-update.ts";
import { dynamoDbFleet, dynamoDbRollouts } from "./rollouts-dynamodb.ts";

type Changes = Readonly<Record<string, unknown>>;
interface Condition {
  readonly expression: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

const HELD_BY: Condition = { expression: "#roll.#executionName = :holder" };

/**
 * The ledger in one DynamoDB table with the string keys `pk` and `sk`. Every change is one conditional write, so that
 * no writer ever sees half of another's change.
 */
export function dynamoDbLedger(clients: PlacedClients, options: LedgerTableOptions): Ledgers {
  const table = ledgerTable(clients, options);
  return {
    ...dynamoDbServices(table),
    ...dynamoDbMeshes(table),
    ...dynamoDbClaims(table),
    ...dynamoDbKnown(table),
    ...dynamoDbRollouts(table),
    ...dynamoDbChannel(table),
    ...dynamoDbGone(clients, options),
  };
}

/** The part that reconciling services needs: the bundle of a function that has it does not contain the rest. */
export function dynamoDbServiceLedger(clients: PlacedClients, options: LedgerTableOptions): ServiceLedger {
  const table = ledgerTable(clients, options);
  return {
    ...dynamoDbServices(table),
    ...dynamoDbMeshes(table),
    ...dynamoDbClaims(table),
    ...dynamoDbKnown(table),
    ...dynamoDbFleet(table),
  };
}

type MeshCalls = Pick<Ledger, "getMesh" | "changeMesh" | "getMeshFacts" | "putMeshFacts">;
type ClaimCalls = Pick<Ledger, "getClaim" | "changeClaim" | "listClaims">;
type KnownCalls = Pick<Ledger, "listKnown">;

function dynamoDbServices(table: LedgerTable): Omit<Ledger, keyof MeshCalls | keyof ClaimCalls | keyof KnownCalls> {
  /** `changes`: new values by path, `null` removes. Undefined when the condition does not hold. */
  async function update(
    serviceArn: string,
    changes: Changes,
    condition?: Condition,
  ): Promise<ServiceState | undefined> {
    checkServiceChanges(serviceArn, changes);
    const expression = updateExpression(changes, {
      condition: condition?.expression,
      // An item of an older shape keeps it, so that reading it below fails by name.
      defaults: { shape: 1, serviceArn },
    });
    const item = await table.update(serviceKey(serviceArn), {
      ...expression,
      ExpressionAttributeValues: { ...expression.ExpressionAttributeValues, ...condition?.values },
      ReturnValues: "ALL_NEW",
    });
    return item && readService(item);
  }

  const heldBy = (executionName: string): Condition => ({ ...HELD_BY, values: { ":holder": executionName } });

  async function getService(serviceArn: string): Promise<ServiceState | undefined> {
    const item = await table.get(serviceKey(serviceArn));
    return item && readService(item);
  }

  return {
    getService,

    listServices: (onUnreadable) => {
      const items = table.scan({
        FilterExpression: "#sk = :state AND begins_with(#pk, :service)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":state": STATE, ":service": SERVICE_PREFIX },
      });
      return readEach(items, readService, onUnreadable);
    },

    takeLease: async (serviceArn, { executionName, leaseUntil }, nowMs) => {
      const free: Condition = {
        expression:
          "(attribute_not_exists(#roll) OR (#roll.#leaseUntil <= :now AND #roll.#executionName <> :holder)) AND " +
          "(attribute_not_exists(#lastOutcome) OR #lastOutcome.#executionName <> :holder)",
        values: { ":now": nowMs, ":holder": executionName },
      };
      const taken = await update(serviceArn, { roll: { executionName, leaseUntil } }, free);
      // A roll that extends its own lease keeps its recorded progress.
      return taken ?? update(serviceArn, { "roll.leaseUntil": leaseUntil }, heldBy(executionName));
    },

    updateRoll: (serviceArn, executionName, roll, service = {}) => {
      const rollChanges = Object.fromEntries(Object.entries(roll).map(([name, value]) => [`roll.${name}`, value]));
      return update(serviceArn, { ...service, ...rollChanges }, heldBy(executionName));
    },

    recordSignal: async (serviceArn, signal) => {
      const recorded = await update(
        serviceArn,
        { "roll.signal": signal },
        {
          expression:
            "attribute_exists(#roll) AND (attribute_not_exists(#roll.#deploymentId) OR #roll.#deploymentId = :awaited)",
          values: { ":awaited": signal.deploymentId },
        },
      );
      if (recorded) return recorded;
      const state = await getService(serviceArn);
      return state?.roll && state;
    },

    finishRoll: (serviceArn, executionName, service) =>
      update(serviceArn, { ...service, roll: null }, heldBy(executionName)),

    patchService: async (serviceArn, service) => {
      const patched = await update(serviceArn, service);
      if (!patched) throw new Error("an unconditional update has no condition that could fail");
      return patched;
    },

    noteService: (serviceArn, service, read) => update(serviceArn, service, unchangedSince(read)),

    forgetService: (serviceArn, createdAtMs, service) =>
      update(
        serviceArn,
        service,
        createdAtMs === undefined
          ? { expression: "attribute_not_exists(#createdAtMs)" }
          : { expression: "#createdAtMs = :read", values: { ":read": createdAtMs } },
      ),

    claimNotice: async (serviceArn, { member, read, ...notice }, nowMs) => {
      const slot = noticeMembers[member];
      const isNew = `(attribute_not_exists(#${member}) OR #${member} <> :text)`;
      const isAsRead = asRead(member, read);
      // An absent claimant is stored as an absent member, which equals nothing.
      const isFree = `attribute_not_exists(#${slot}) OR #${slot}.#text <> :text OR #${slot}.#by = :by OR #${slot}.#untilMs <= :now`;
      const condition = {
        expression: `${isNew}${isAsRead.expression} AND (${isFree})`,
        values: { ":text": notice.text, ":by": notice.by ?? "", ":now": nowMs, ...isAsRead.values },
      };
      return (await update(serviceArn, { [slot]: notice }, condition)) !== undefined;
    },

    recordNotice: async (serviceArn, { member, text }, service = {}) => {
      const slot = noticeMembers[member];
      const isOwn = { expression: `#${slot}.#text = :text`, values: { ":text": text } };
      return (await update(serviceArn, { ...service, [member]: text, [slot]: null }, isOwn)) !== undefined;
    },

    claimRepair: async (serviceArn, repaired, nowMs) => {
      const values = { ":text": repaired.text, ":now": nowMs };
      const expression = "attribute_not_exists(#repaired) OR #repaired.#text <> :text OR #repaired.#untilMs <= :now";
      return (await update(serviceArn, { repaired: { ...repaired } }, { expression, values })) !== undefined;
    },

    countStops: async (serviceArn, before, next) => {
      const unchanged = before
        ? {
            expression: "#stops.#count = :count AND #stops.#lastMs = :last",
            values: { ":count": before.count, ":last": before.lastMs },
          }
        : { expression: "attribute_not_exists(#stops)" };
      return (await update(serviceArn, { stops: { ...next } }, unchanged)) !== undefined;
    },

    raiseAttempt: async (serviceArn, from) => {
      const raised = await update(
        serviceArn,
        { attemptNumber: from + 1 },
        { expression: isAttempt(from), values: { ":from": from } },
      );
      return raised !== undefined;
    },
  };
}

/** No roll has begun or ended since the state was read. */
function unchangedSince(read: Pick<ServiceState, "attemptNumber" | "roll"> | undefined): Condition {
  const from = read?.attemptNumber ?? 0;
  const holder = read?.roll?.executionName;
  const roll = holder === undefined ? "attribute_not_exists(#roll)" : "#roll.#executionName = :holder";
  return {
    expression: `${roll} AND (${isAttempt(from)})`,
    values: { ":from": from, ...(holder !== undefined && { ":holder": holder }) },
  };
}

function asRead(member: NoticeMember, read: Notice["read"]): Condition {
  if (!read) return { expression: "" };
  if (read.text === undefined) return { expression: ` AND attribute_not_exists(#${member})` };
  return { expression: ` AND #${member} = :read`, values: { ":read": read.text } };
}

function isAttempt(from: number): string {
  return `#attemptNumber = :from${from === 0 ? " OR attribute_not_exists(#attemptNumber)" : ""}`;
}

function dynamoDbMeshes(table: LedgerTable): MeshCalls {
  async function getMesh(controlPlane: string): Promise<MeshState | undefined> {
    const item = await table.get(meshKey(controlPlane));
    return item && readMesh(item);
  }
  return {
    getMesh,
    changeMesh: (controlPlane, change) => {
      const key = meshKey(controlPlane);
      return table.change(key, (item) => attemptOf({ key, before: item && readMesh(item), read: readMesh }, change));
    },
    getMeshFacts: async (controlPlane) => (await getMesh(controlPlane))?.generations.at(-1)?.facts,
    putMeshFacts: async (facts) => {
      const key = meshKey(facts.controlPlane);
      await table.change(key, (item) => {
        const before = item && unlessUnreadable(() => readMesh(item));
        return attemptOf({ key, before, read: readMesh }, (mesh) => ({ next: withFacts(mesh, facts) }));
      });
    },
  };
}

function dynamoDbClaims(table: LedgerTable): ClaimCalls {
  return {
    getClaim: async (subject) => {
      const item = await table.get(claimKey(subject));
      return item && readClaim(item);
    },
    changeClaim: (subject, change) => {
      const key = claimKey(subject);
      return table.change(key, (item) => attemptOf({ key, before: item && readClaim(item), read: readClaim }, change));
    },
    listClaims: (onUnreadable) => {
      const items = table.scan({
        FilterExpression: "#sk = :state AND begins_with(#pk, :claim)",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: { ":state": STATE, ":claim": CLAIM_PREFIX },
      });
      return readEach(items, readClaim, onUnreadable);
    },
  };
}

function dynamoDbKnown(table: LedgerTable): KnownCalls {
  return {
    listKnown: (onUnreadable) => {
      const items = table.scan({
        FilterExpression:
          "(#sk = :state AND (#pk = :fleet OR begins_with(#pk, :service) OR begins_with(#pk, :claim))) OR " +
          "(#sk = :facts AND begins_with(#pk, :mesh))",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
        ExpressionAttributeValues: {
          ":state": STATE,
          ":fleet": fleetKey.pk,
          ":service": SERVICE_PREFIX,
          ":claim": CLAIM_PREFIX,
          ":facts": FACTS,
          ":mesh": MESH_PREFIX,
        },
      });
      return readEach(items, readKnownItem, onUnreadable);
    },
  };
}

function dynamoDbChannel(table: LedgerTable): ChannelLedger {
  const readable = (item: object | undefined) =>
    (item && unlessUnreadable(() => readChannel(item))) ?? structuredClone(newChannel);
  return {
    getChannel: async () => readable(await table.get(channelKey)),
    changeChannel: (change) =>
      table.change(channelKey, (item) =>
        attemptOf({ key: channelKey, before: readable(item), read: readChannel }, change),
      ),
  };
}
