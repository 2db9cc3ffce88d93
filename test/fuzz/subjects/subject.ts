import fc from "fast-check";
import { AutopilotError, type FailureCode } from "../../../shared/base/errors.ts";

/** Where a series of runs begins. A path replays one failed run of it. */
export interface Series {
  readonly runs: number;
  readonly seed: number;
  readonly path?: string | undefined;
}

/** The result of a series. */
export interface Outcome {
  readonly runs: number;
  readonly milliseconds: number;
  /** How often each answer was given: `taken`, or the code of a refusal. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failure: Failure | undefined;
}

/** An input that broke something: the smallest that was found. */
export interface Failure {
  readonly seed: number;
  readonly path: string;
  readonly input: string;
  readonly error: string;
}

/** Something that takes what others send. */
export interface Subject {
  readonly name: string;
  /** How many runs of an ordinary subject take as long as one of this one. */
  readonly cost: number;
  readonly fuzz: (series: Series) => Promise<Outcome>;
}

/** What answers an input with a word. It throws where the input breaks something. */
export type Answering<Input> = (input: Input) => string | Promise<string>;

interface Definition<Input> {
  readonly name: string;
  readonly inputs: fc.Arbitrary<Input>;
  readonly cost?: number;
}

/** A subject whose answers need nothing but the input. */
export function subject<Input>({ answer, ...definition }: Definition<Input> & { answer: Answering<Input> }): Subject {
  return openedSubject({ ...definition, open: async () => ({ answer, close: async () => undefined }) });
}

/** A subject that is opened before a series and closed after it: a lab, a server. */
export function openedSubject<Input>({
  name,
  inputs,
  cost = 1,
  open,
}: Definition<Input> & {
  readonly open: () => Promise<{ readonly answer: Answering<Input>; readonly close: () => Promise<void> }>;
}): Subject {
  return {
    name,
    cost,
    fuzz: async ({ runs, seed, path }) => {
      const startedMs = performance.now();
      const answers: Record<string, number> = {};
      const { answer, close } = await open();
      try {
        const property = fc.asyncProperty(inputs, async (input) => {
          const word = await answer(input);
          answers[word] = (answers[word] ?? 0) + 1;
        });
        const details = await fc.check(property, { seed, numRuns: runs, ...(path !== undefined && { path }) });
        const milliseconds = Math.round(performance.now() - startedMs);
        return { runs: details.numRuns, milliseconds, answers, failure: failureOf(details) };
      } finally {
        await close();
      }
    },
  };
}

function failureOf<Input>(details: fc.RunDetails<[Input]>): Failure | undefined {
  if (!details.failed) return undefined;
  const { errorInstance: error } = details;
  return {
    seed: details.seed,
    path: details.counterexamplePath ?? "",
    input: fc.stringify(details.counterexample?.[0]),
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

/** An error goes into logs, causes of executions and messages. All of them have limits. */
const MAX_MESSAGE_LENGTH = 4000;

/**
 * `taken`, or the code by which the work refused its input. Throws when it fails in another way than by one of these
 * codes, or when the error's text is longer than those that carry it take.
 */
export function answered(codes: readonly FailureCode[], work: () => unknown): string {
  try {
    work();
    return "taken";
  } catch (error) {
    return refusedBy(codes, error);
  }
}

/** The same for work that takes time. */
export async function answeredLater(codes: readonly FailureCode[], work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "taken";
  } catch (error) {
    return refusedBy(codes, error);
  }
}

function refusedBy(codes: readonly FailureCode[], error: unknown): string {
  if (!(error instanceof AutopilotError) || !codes.includes(error.code)) throw error;
  const { length } = error.message;
  if (length > MAX_MESSAGE_LENGTH) throw new Error(`the error's message has ${length} characters`, { cause: error });
  return error.code;
}

/** Throws unless it is so. */
export function hold(what: string, isSo: boolean): void {
  if (!isSo) throw new Error(`it does not hold: ${what}`);
}
