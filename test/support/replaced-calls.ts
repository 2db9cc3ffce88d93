/** The port with some calls replaced: the others go to the port itself, as ever. */
export function withCalls<Port extends object>(port: Port, calls: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(Object.hasOwn(calls, key) ? calls : target, key);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
