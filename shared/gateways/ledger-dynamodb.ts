import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Ledger, ServiceState } from "../ledger.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call, isNamed } from "./errors.ts";
import { type ItemKey, meshKey, readMeshFacts, readService, STATE, serviceKey } from "./ledger-items.ts";
import { updateExpression } from "./ledger-update.ts";

type Changes = Readonly<Record<string, unknown>>;
interface Condition {
  readonly expression: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

const HELD_BY: Condition = { expression: "#roll.#executionName = :holder" };

/**
 * The ledger in one DynamoDB table with the string keys `pk` and `sk`. Every change is one conditional UpdateItem, so
 * that concurrent writers never see each other's half.
 */
export function dynamoDbLedger(clients: PlacedClients, options: { readonly tableName: string }): Ledger {
  const documents = DynamoDBDocumentClient.from(clients(DynamoDBClient), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const { tableName: TableName } = options;

  async function get(key: ItemKey): Promise<object | undefined> {
    return call(`GetItem ${key.pk}`, async () => {
      const { Item } = await documents.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
      return Item;
    });
  }

  /** Paths to their new values; `null` removes. Undefined when the condition does not hold. */
  async function update(
    serviceArn: string,
    changes: Changes,
    condition?: Condition,
  ): Promise<ServiceState | undefined> {
    const key = serviceKey(serviceArn);
    const expression = updateExpression(changes, {
      condition: condition?.expression,
      // An older shape stays what it is: then the reading below says so.
      defaults: { shape: 1, serviceArn },
    });
    return call(`UpdateItem ${key.pk}`, async () => {
      try {
        const { Attributes = {} } = await documents.send(
          new UpdateCommand({
            TableName,
            Key: key,
            ...expression,
            ExpressionAttributeValues: { ...expression.ExpressionAttributeValues, ...condition?.values },
            ReturnValues: "ALL_NEW",
          }),
        );
        return readService(Attributes);
      } catch (error) {
        if (isNamed(error, "ConditionalCheckFailedException")) return undefined;
        throw error;
      }
    });
  }

  const heldBy = (executionName: string): Condition => ({ ...HELD_BY, values: { ":holder": executionName } });

  async function getService(serviceArn: string): Promise<ServiceState | undefined> {
    const item = await get(serviceKey(serviceArn));
    return item && readService(item);
  }

  return {
    getService,

    listServices: async function* () {
      let from: Readonly<Record<string, unknown>> | undefined;
      do {
        const start = from;
        const { Items = [], LastEvaluatedKey } = await call(`Scan ${TableName}`, () =>
          documents.send(
            new ScanCommand({
              TableName,
              FilterExpression: "#sk = :state",
              ExpressionAttributeNames: { "#sk": "sk" },
              ExpressionAttributeValues: { ":state": STATE },
              ConsistentRead: true,
              ...(start && { ExclusiveStartKey: start }),
            }),
          ),
        );
        yield* Items.map(readService);
        from = LastEvaluatedKey;
      } while (from);
    },

    takeLease: async (serviceArn, { executionName, leaseUntil }, nowMs) => {
      const free: Condition = {
        expression: "attribute_not_exists(#roll) OR (#roll.#leaseUntil <= :now AND #roll.#executionName <> :holder)",
        values: { ":now": nowMs, ":holder": executionName },
      };
      const taken = await update(serviceArn, { roll: { executionName, leaseUntil } }, free);
      // Its own lease is prolonged and keeps what the roll has noted.
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

    raiseAttempt: async (serviceArn, from) => {
      const raised = await update(
        serviceArn,
        { attempt: from + 1 },
        {
          expression: `#attempt = :from${from === 0 ? " OR attribute_not_exists(#attempt)" : ""}`,
          values: { ":from": from },
        },
      );
      return raised !== undefined;
    },

    getMeshFacts: async (controlPlane) => {
      const item = await get(meshKey(controlPlane));
      return item && readMeshFacts(item);
    },

    putMeshFacts: async (facts) => {
      const key = meshKey(facts.controlPlane);
      await call(`PutItem ${key.pk}`, () => documents.send(new PutCommand({ TableName, Item: { ...key, ...facts } })));
    },
  };
}
