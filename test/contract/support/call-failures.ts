import { expect, it } from "vitest";
import type { Simulated } from "../../support/simulated-clients.ts";

/** The failures that any call to AWS can have, by the error code that a port throws. */
export const callFailures = ["throttled", "access-denied", "aws-unavailable"] as const;
export type CallFailure = (typeof callFailures)[number];

/** Makes every call of an AWS operation, such as `ecs.UpdateService`, fail. */
export function failOperation({ faults }: Pick<Simulated, "faults">, operation: string, failure: CallFailure): void {
  const match = { call: operation };
  switch (failure) {
    case "throttled":
      faults.add({ kind: "throttle", match });
      return;
    case "access-denied":
      faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      return;
    case "aws-unavailable":
      faults.add({ kind: "api-error", match, error: "ServerException" });
  }
}

/** Every call of a port, with valid inputs. */
export type CallsOf<Port> = { readonly [Call in keyof Port]: (port: Port) => Promise<unknown> };

/** Tests that each call of a port throws AWS's failures with their codes, and whether they are retryable. */
export function itThrowsFailures<Port extends object>(
  calls: CallsOf<Port>,
  subject: () => { readonly port: Port; fail(call: keyof Port & string, failure: CallFailure): void },
): void {
  // Object.keys loses the type of the keys.
  const names = Object.keys(calls) as (keyof Port & string)[];
  const cases = names.flatMap((name) => callFailures.map((failure) => [name, failure] as const));
  it.each(cases)("fails with its code: %s, %s", async (name, failure) => {
    const { port, fail } = subject();
    fail(name, failure);
    await expect(calls[name](port)).rejects.toMatchObject({ code: failure, retryable: failure !== "access-denied" });
  });
}
