import { resourceEndings } from "../shared/base/vocabulary.ts";
import type { Context } from "./context.ts";
import { resourceName } from "./definitions/deployment.ts";

/** The ledger's table. */
export function ledger({ deployment, settings }: Context): sst.aws.Dynamo {
  return new sst.aws.Dynamo("Ledger", {
    fields: { pk: "string", sk: "string" },
    primaryIndex: { hashKey: "pk", rangeKey: "sk" },
    ttl: "expiresAt",
    deletionProtection: settings.deletionProtection,
    transform: {
      table: {
        name: resourceName(deployment, resourceEndings.ledger),
        billingMode: "PAY_PER_REQUEST",
        pointInTimeRecovery: { enabled: true },
      },
    },
  });
}
