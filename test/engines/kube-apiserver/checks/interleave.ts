/** One of several that act at the same time. */
export interface Actor {
  /** Is called before each of its requests, and returns when it is its turn. */
  readonly turn: () => Promise<void>;
}

/** What an actor does, and how it ended. */
export type Act = (actor: Actor) => Promise<string>;

/** How an actor ended, and at which step of the order. */
export interface Ended {
  readonly outcome: string;
  readonly atStep: number;
}

/**
 * Plays the acts in this order of requests: at each step the named act makes one request, and the next step begins when
 * that was answered. What is left when the order ends is played one act after the other.
 */
export async function interleaved(acts: readonly Act[], order: readonly number[]): Promise<readonly Ended[]> {
  const players = acts.map((act) => player(act));
  await Promise.all(players.map(({ waits }) => waits()));
  const rest = acts.flatMap((_, index) => Array.from({ length: MOST_REQUESTS }, () => index));
  const ended: (Ended | undefined)[] = acts.map(() => undefined);
  let atStep = 0;
  for (const index of [...order, ...rest]) {
    const one = players[index];
    if (!one || one.outcome() !== undefined) continue;
    atStep += 1;
    await one.go();
    const outcome = one.outcome();
    if (outcome !== undefined) ended[index] = { outcome, atStep };
  }
  return ended.map((one) => one ?? { outcome: "never ends", atStep });
}

/** More than any act makes. */
const MOST_REQUESTS = 30;

function player(act: Act) {
  let outcome: string | undefined;
  let release: (() => void) | undefined;
  let paused = Promise.withResolvers<void>();
  const turn = () =>
    new Promise<void>((resolve) => {
      release = resolve;
      paused.resolve();
    });
  void act({ turn }).then(
    (text) => {
      outcome = text;
      paused.resolve();
    },
    (error: unknown) => {
      outcome = `fails: ${String(error)}`;
      paused.resolve();
    },
  );
  return {
    outcome: () => outcome,
    /** Until it waits for its turn, or has ended. */
    waits: () => paused.promise,
    go: async () => {
      paused = Promise.withResolvers<void>();
      release?.();
      await paused.promise;
    },
  };
}

/** Every order in which acts with these numbers of requests can be played. */
export function ordersOf(counts: readonly number[]): readonly (readonly number[])[] {
  if (counts.every((count) => count === 0)) return [[]];
  return counts.flatMap((count, index) =>
    count === 0 ? [] : ordersOf(counts.with(index, count - 1)).map((rest) => [index, ...rest]),
  );
}
