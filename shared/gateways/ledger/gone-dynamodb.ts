import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { GoneLedger } from "../../ports/ledger.ts";
import type { PlacedClients } from "../aws/aws-clients.ts";
import { call, isNamed } from "../aws/errors.ts";
import { serviceKey } from "./ledger-items.ts";
import type { LedgerTableOptions } from "./ledger-table.ts";

/** Lets services go, in the ledger's table. On its own, since few functions do. */
export function dynamoDbGone(clients: PlacedClients, { tableName: TableName }: LedgerTableOptions): GoneLedger {
  const documents = DynamoDBDocumentClient.from(clients(DynamoDBClient));
  return {
    dropService: (serviceArn, goneSinceMs) => {
      const Key = serviceKey(serviceArn);
      const command = new DeleteCommand({
        TableName,
        Key,
        ConditionExpression: "#gone = :read AND attribute_not_exists(#roll)",
        ExpressionAttributeNames: { "#gone": "goneSinceMs", "#roll": "roll" },
        ExpressionAttributeValues: { ":read": goneSinceMs },
      });
      return call(`DeleteItem ${Key.pk}`, async () => {
        try {
          await documents.send(command);
          return true;
        } catch (error) {
          if (isNamed(error, "ConditionalCheckFailedException")) return false;
          throw error;
        }
      });
    },
  };
}
