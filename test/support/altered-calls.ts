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

/** The port with some calls replaced; the others go to the port itself. */
export function withCalls<Port extends object>(port: Port, calls: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(Object.hasOwn(calls, key) ? calls : target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** The port, and the names of the calls that were made through it so far. */
export function recordCalls<Port extends object>(port: Port): { readonly port: Port; readonly calls: string[] } {
  const calls: string[] = [];
  const recorded = new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls.push(String(key));
        return member.apply(target, args);
      };
    },
  });
  return { port: recorded, calls };
}

/** What a crashed function leaves to its caller. */
export class Crash extends Error {}

/**
 * Wraps objects so that the nth call of all of them together ends the run, before it is made or after it was answered.
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
