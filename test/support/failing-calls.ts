import { AutopilotError, type FailureCode } from "../../shared/base/errors.ts";

/**
 * Lets a call of a fake fail from now on with the error of this code, as a gateway throws it. A list fails before its
 * first item.
 */
export function failCalls<Port extends object>(fake: Port, call: keyof Port & string, code: FailureCode): void {
  const fail = async (): Promise<never> => {
    throw new AutopilotError(code, call);
  };
  const isList = fake[call]?.constructor.name === "AsyncGeneratorFunction";
  const failing = isList ? () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }) : fail;
  Object.defineProperty(fake, call, { value: failing, configurable: true });
}
