import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

const START_SECONDS = 60;
const INTERVAL_MS = 500;

/** A port of 127.0.0.1 that nobody listens on now. @throws Error if the system gives none */
export async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject).listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

/**
 * Resolves once the program answers at the address.
 * @throws Error if the program ends before, or takes more than a minute
 */
export async function untilServed(name: string, url: string, ended: Promise<string>): Promise<void> {
  const stopped = ended.then((how) => {
    throw new Error(`${name} ${how}`);
  });
  // It is thrown below, while somebody waits for it; afterwards the program may end.
  stopped.catch(() => undefined);
  for (let tries = 0; tries * INTERVAL_MS < START_SECONDS * 1000; tries += 1) {
    const answer = await Promise.race([fetch(url).catch(() => undefined), stopped]); // refused until it listens
    if (answer?.ok) return;
    await Promise.race([setTimeout(INTERVAL_MS), stopped]);
  }
  throw new Error(`${name} did not answer within ${START_SECONDS} seconds`);
}
