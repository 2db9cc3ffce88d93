import { ServiceException } from "@smithy/core/client";
import { type Faults, faultStatus } from "@ztunnel-autopilot/simulator";
import type { Place } from "../../shared/base/arn.ts";
import { asFailure } from "../../shared/gateways/aws/errors.ts";

/**
 * Throws for a ledger call (`ledger.takeLease`) that a rule of `region-down`, `throttle` or `api-error` strikes: what
 * the ledger's gateway makes of DynamoDB's answer in the home account and region. A struck call fails at once: it
 * stands for one whose attempts are used up. Throws an `AutopilotError`: `throttled`, `aws-unavailable`, or what the
 * error's name says.
 */
export function failLedgerCall(faults: Faults, home: Place, call: string): void {
  const subject = { ...home, call };
  const fail = (name: string, status: number) => {
    const message = `${name} by a fault rule of the lab.`;
    const $fault = status < 500 ? "client" : "server";
    throw asFailure(new ServiceException({ name, message, $fault, $metadata: { httpStatusCode: status } }), call);
  };
  if (faults.strike("region-down", subject)) fail("ServiceUnavailable", 503);
  if (faults.strike("throttle", subject)) fail("ThrottlingException", 400);
  const fault = faults.strike("api-error", subject);
  if (fault) fail(fault.error, faultStatus(fault.error));
}

/**
 * Makes a ledger call. Where a rule of `lost-answer` strikes, it has its effect and is made once more, as the SDK does
 * on its own when DynamoDB does not answer: the caller sees the second answer.
 */
export async function sendLedgerCall<T>(
  faults: Faults,
  home: Place,
  { call, send }: { readonly call: string; readonly send: () => T | Promise<T> },
): Promise<T> {
  const first = await send();
  return faults.strike("lost-answer", { ...home, call }) ? send() : first;
}
