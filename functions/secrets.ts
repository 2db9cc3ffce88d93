import type { Place } from "../shared/base/arn.ts";
import { secretsGateway } from "../shared/gateways/aws/secrets.ts";
import type { SecretsCalls } from "../shared/ports/ports.ts";
import { environmentContext, type FunctionContext } from "./context.ts";

/** Secrets Manager by account and region. */
export type Secrets = (place: Place) => SecretsCalls;

/** The secrets of every account and region. Only the functions that write or retire secrets import this. */
export function placedSecrets({ clients }: Pick<FunctionContext, "clients">): Secrets {
  return (place) => secretsGateway(clients.at(place));
}

/** The secrets of a deployed function. */
export function environmentSecrets(): Secrets {
  return placedSecrets(environmentContext());
}
