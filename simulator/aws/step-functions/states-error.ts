/** A failure as a state machine knows it: `name` is the error name that Retry and Catch match, `message` the cause. */
export class StatesError extends Error {
  /** The place in the definition where an expression failed. */
  readonly location: string | undefined;

  constructor(name: string, cause = "", options: { readonly location?: string } & ErrorOptions = {}) {
    super(cause, options);
    this.name = name;
    this.location = options.location;
  }
}

/** Why work was given up that has no outcome of its own: its execution or its Map has ended. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/**
 * The error as a `StatesError`: itself, or `States.Runtime` for a defect of the simulator, with its stack as the cause.
 */
export function asStatesError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  return new StatesError("States.Runtime", error instanceof Error ? (error.stack ?? error.message) : String(error), {
    cause: error,
  });
}
