import type { Writable } from "node:stream";

/** Resolves once the stream has taken the whole text: a process that exits before loses the rest of a full pipe. */
export function writeWhole(stream: Writable, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.write(text, (error) => (error ? reject(error) : resolve()));
  return promise;
}
