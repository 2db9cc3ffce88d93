import {
  type Clock,
  copyJson,
  type Faults,
  type Functions,
  type Latency,
  type Random,
} from "@ztunnel-autopilot/simulator";
import type { Context } from "aws-lambda";
import type { LambdaHandler } from "../../functions/middleware.ts";
import type { Json } from "../../shared/base/json.ts";

/** What the code that runs in a sandbox sees of it. */
export interface Sandbox {
  readonly functionName: string;
  /** Id of the invocation that runs now: a sandbox runs one at a time. */
  invocation(): string;
  /** The state machine's execution that made the invocation, if one did. */
  executionArn(): string | undefined;
  /**
   * Around a call that leaves the sandbox, by name (`ecs.UpdateService`): a fault rule may crash the function before
   * the call is sent or after it was answered. A crashed call never returns.
   */
  call<T>(name: string, send: () => Promise<T>): Promise<T>;
}

/** Makes the function's handler for a new sandbox, as a cold start does. */
export type FunctionFactory = (sandbox: Sandbox) => LambdaHandler;

interface Invocation {
  readonly id: string;
  readonly functionName: string;
  /** The state machine's execution that made it, if one did. */
  readonly executionArn: string | undefined;
}

/** The state of a state machine that invokes a function. */
export interface InvokingState {
  readonly executionArn: string;
  readonly stateName: string;
}

/** An event that a function failed on too often, as an on-failure destination gets it. */
export interface DeadLetter {
  readonly functionName: string;
  readonly at: string;
  readonly attempts: number;
  readonly error: string;
  readonly message: string;
  readonly payload: Json;
}

export interface LambdaRuntimeOptions {
  readonly clock: Clock & { busy?: () => () => void };
  readonly random: Random;
  readonly faults: Faults;
  /** What a call of Lambda's Invoke takes. */
  readonly latency: Latency;
  readonly functions: Readonly<Record<string, FunctionFactory>>;
  /**
   * How many of a function's invocations run at a time at most, by its name. Beyond that, those of a state
   * machine are refused with 429, and the others wait their turn.
   */
  readonly reservedConcurrency?: Readonly<Record<string, number>>;
  /** Functions whose failed events are not kept, by name. */
  readonly repeated?: ReadonlySet<string>;
  /** After how many seconds Lambda ends an invocation, by the function's name. */
  readonly timeoutSeconds?: Readonly<Record<string, number>>;
  /** Runs a handler so that the calls that it makes are known as its sandbox's. */
  readonly inSandbox: <T>(sandbox: Sandbox, work: () => Promise<T>) => Promise<T>;
  /** The ARN of a function, which the permission to invoke it is on. */
  readonly arnOf: (functionName: string) => string;
  /** Called with what a state machine's step gave to a function, and what that answered. */
  readonly onStep?: (functionName: string, input: Json, answer: Json) => void;
}

/** Who runs within a function's reserved concurrency, and who waits for it. */
interface Turns {
  free: number;
  readonly waiting: (() => void)[];
}

/** A function's failure as its invoker sees it: the name is the errorType, the cause Lambda's JSON. */
export class LambdaError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const ASYNC_RETRY_SECONDS = [60, 120];

const RATE_EXCEEDED = "Rate Exceeded. (Service: Lambda, Status Code: 429)";

/** Why the time limit of an invocation is no longer waited for. */
const ENDED = new Error("the invocation has ended");

const IDLE_KEPT_MS = 10 * 60_000;
const PRUNED_EVERY_MS = 60_000;

/** Runs the product's handlers as Lambda does: sandboxes that are reused, asynchronous tries, dead letters, crashes. */
export class LambdaRuntime implements Functions {
  readonly deadLetters: DeadLetter[] = [];
  /** Invocations that have failed, also those that are tried again. */
  readonly failures: { readonly functionName: string; readonly atMs: number }[] = [];
  /** While true, the queue of dead letters takes none: they are lost. */
  destinationFails = false;
  readonly lostLetters: DeadLetter[] = [];
  readonly #options: LambdaRuntimeOptions;
  #functions: LambdaRuntimeOptions["functions"];
  readonly #idle = new Map<string, RunningSandbox[]>();
  readonly #turns = new Map<string, Turns>();
  #count = 0;
  #prunedAtMs = 0;

  constructor(options: LambdaRuntimeOptions) {
    this.#options = options;
    this.#functions = options.functions;
  }

  /** Takes other code for the functions. Sandboxes of the code before it are used no more. */
  deploy(functions: LambdaRuntimeOptions["functions"]): void {
    this.#functions = functions;
    this.#idle.clear();
  }

  arnOf(functionName: string): string {
    return this.#options.arnOf(functionName);
  }

  /**
   * Invokes and waits for the answer; `state` names the state of a state machine that does, if one does. Rejects with
   * `LambdaError`: the function's own, 429 for a state at the function's reserved concurrency, or that of a
   * `lambda-service-error`, of which the caller does not know whether the function has run. Without a state, the call
   * waits for its turn.
   */
  async invoke(qualifiedName: string, payload: Json, state?: InvokingState): Promise<Json> {
    // An alias names the code that was deployed last, as the function's own name does.
    const [functionName = ""] = qualifiedName.split(":");
    return this.#options.latency.around({ call: "lambda.Invoke", function: functionName }, async () => {
      if (state === undefined) return this.#inTurn(functionName, () => this.#run(functionName, payload, undefined));
      this.#failService(functionName, state.stateName, "before");
      const turns = this.#turnsOf(functionName);
      if (turns?.free === 0) throw new LambdaError("Lambda.TooManyRequestsException", RATE_EXCEEDED);
      const answer = await this.#inTurn(functionName, () => this.#run(functionName, payload, state.executionArn));
      this.#options.onStep?.(functionName, payload, answer);
      this.#failService(functionName, state.stateName, "after");
      return answer;
    });
  }

  #failService(functionName: string, state: string, when: "before" | "after"): void {
    const { faults } = this.#options;
    const subject = { function: functionName, state };
    const fault = faults.strike("lambda-service-error", subject, (rule) => rule.when === when);
    if (fault) throw new LambdaError(fault.error, `${fault.error} by a fault rule of the lab.`);
  }

  async #run(functionName: string, payload: Json, executionArn: string | undefined): Promise<Json> {
    const { clock, random } = this.#options;
    this.#count += 1;
    const invocation: Invocation = {
      id: `invocation-${this.#count}`,
      functionName,
      executionArn,
    };
    const sandbox = this.#takeIdle(functionName) ?? this.#coldStart(functionName);
    await clock.sleep(10 + Math.floor(random() * 40));
    const leave = clock.busy?.();
    try {
      const input = copyJson(payload);
      return await this.#inTime(sandbox, () =>
        this.#options.inSandbox(sandbox, () => sandbox.run(invocation, input, clock.now())),
      );
    } catch (error) {
      this.failures.push({ functionName, atMs: clock.now() });
      throw error;
    } finally {
      leave?.();
      if (!sandbox.crashed && sandbox.create === this.#functions[functionName]) this.#keep(sandbox);
    }
  }

  /** Lambda ends what runs for longer than its function's timeout, together with its sandbox. */
  async #inTime(sandbox: RunningSandbox, run: () => Promise<Json>): Promise<Json> {
    const seconds = this.#options.timeoutSeconds?.[sandbox.functionName];
    if (seconds === undefined) return run();
    const ended = new AbortController();
    const timeout = this.#options.clock.sleep(seconds * 1000, ended.signal).then(
      () => sandbox.end(new LambdaError("Sandbox.Timedout", `Task timed out after ${seconds.toFixed(2)} seconds`)),
      // The work has ended first.
      () => undefined,
    );
    try {
      return await run();
    } finally {
      ended.abort(ENDED);
      await timeout;
    }
  }

  /**
   * Invokes as EventBridge does: failing events are tried twice more, then become dead letters. Lambda keeps what comes
   * while the function is at its reserved concurrency, for up to six hours.
   */
  async invokeAsync(functionName: string, payload: Json): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#inTurn(functionName, () => this.#run(functionName, payload, undefined));
        return;
      } catch (error) {
        const retryIn = ASYNC_RETRY_SECONDS[attempt];
        if (retryIn === undefined) {
          this.#bury(functionName, payload, attempt + 1, error);
          return;
        }
        await this.#options.clock.sleep(retryIn * 1000);
      }
    }
  }

  async #inTurn(functionName: string, invoke: () => Promise<Json>): Promise<Json> {
    const turns = this.#turnsOf(functionName);
    if (!turns) return invoke();
    if (turns.free > 0) turns.free -= 1;
    else await new Promise<void>((resolve) => turns.waiting.push(resolve));
    try {
      return await invoke();
    } finally {
      giveBack(turns);
    }
  }

  /** Undefined for a function without reserved concurrency. */
  #turnsOf(functionName: string): Turns | undefined {
    const most = this.#options.reservedConcurrency?.[functionName];
    if (most === undefined) return undefined;
    const turns = this.#turns.get(functionName) ?? { free: most, waiting: [] };
    this.#turns.set(functionName, turns);
    return turns;
  }

  /** The one used last. One that has ended since is gone: a call that it had not awaited crashed it. */
  #takeIdle(functionName: string): RunningSandbox | undefined {
    const idle = this.#idleOf(functionName);
    for (let sandbox = idle.pop(); sandbox; sandbox = idle.pop()) if (!sandbox.crashed) return sandbox;
    return undefined;
  }

  #idleOf(functionName: string): RunningSandbox[] {
    const idle = this.#idle.get(functionName) ?? [];
    this.#idle.set(functionName, idle);
    return idle;
  }

  #keep(sandbox: RunningSandbox): void {
    const nowMs = this.#options.clock.now();
    sandbox.idleSinceMs = nowMs;
    this.#idleOf(sandbox.functionName).push(sandbox);
    if (nowMs - this.#prunedAtMs >= PRUNED_EVERY_MS) this.#prune(nowMs);
  }

  /**
   * Lambda keeps an idle sandbox for some minutes: after a burst most of them go. The last one stays here, as a
   * function that runs every few minutes mostly finds one; AWS promises nothing.
   */
  #prune(nowMs: number): void {
    this.#prunedAtMs = nowMs;
    for (const idle of this.#idle.values()) {
      // The one used last is taken first: those at the front have been idle for the longest time.
      const kept = idle.findIndex(({ idleSinceMs }) => nowMs - idleSinceMs < IDLE_KEPT_MS);
      idle.splice(0, kept === -1 ? idle.length - 1 : kept);
    }
  }

  #bury(functionName: string, payload: Json, attempts: number, error: unknown): void {
    if (this.#options.repeated?.has(functionName)) return;
    const at = new Date(this.#options.clock.now()).toISOString();
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const queue = this.destinationFails ? this.lostLetters : this.deadLetters;
    queue.push({ functionName, at, attempts, error: name, message, payload });
  }

  #coldStart(functionName: string): RunningSandbox {
    const create = this.#functions[functionName];
    if (!create) throw new LambdaError("ResourceNotFoundException", `Function not found: ${functionName}`);
    return new RunningSandbox(functionName, create, this.#options.faults);
  }
}

/**
 * The sandboxes of a function share the credentials that they assume: one that ended with that call would leave the
 * others waiting.
 */
function isShared(call: string): boolean {
  return call.startsWith("sts.");
}

function giveBack(turns: Turns): void {
  const next = turns.waiting.shift();
  if (next) next();
  else turns.free += 1;
}

class RunningSandbox implements Sandbox {
  readonly functionName: string;
  /** The code that it runs. */
  readonly create: FunctionFactory;
  crashed = false;
  idleSinceMs = 0;
  readonly #faults: Faults;
  readonly #handler: LambdaHandler;
  #invocation: Invocation | undefined;
  #crash: (error: LambdaError) => void = () => undefined;

  constructor(functionName: string, create: FunctionFactory, faults: Faults) {
    this.functionName = functionName;
    this.create = create;
    this.#faults = faults;
    this.#handler = create(this);
  }

  invocation(): string {
    return this.#invocation?.id ?? "";
  }

  executionArn(): string | undefined {
    return this.#invocation?.executionArn;
  }

  async call<T>(name: string, send: () => Promise<T>): Promise<T> {
    // Nothing of an ended process is sent any more, except for what others wait for, too.
    if (this.crashed && !isShared(name)) return new Promise<T>(() => undefined);
    if (this.#strikes(name, "before")) return this.#die(`before ${name}`);
    const answer = await send();
    if (this.#strikes(name, "after")) return this.#die(`after ${name}`);
    return answer;
  }

  #strikes(call: string, when: "before" | "after"): boolean {
    if (isShared(call)) return false;
    const subject = { call, function: this.functionName };
    return this.#faults.strike("lambda-crash", subject, (rule) => rule.when === when) !== undefined;
  }

  /** Ends the sandbox: what runs in it is answered with the error, and makes no further call. */
  end(error: LambdaError): void {
    this.crashed = true;
    this.#crash(error);
  }

  #die<T>(when: string): Promise<T> {
    this.end(new LambdaError("Runtime.ExitError", `The function exited ${when}.`));
    return new Promise<T>(() => undefined);
  }

  async run(invocation: Invocation, payload: Json, nowMs: number): Promise<Json> {
    this.#invocation = invocation;
    const crash = Promise.withResolvers<never>();
    this.#crash = crash.reject;
    const work = this.#handler(payload, contextOf(this.functionName, invocation.id, nowMs));
    try {
      return copyJson((await Promise.race([work, crash.promise])) ?? null);
    } catch (error) {
      throw asLambdaError(error);
    }
  }
}

function asLambdaError(error: unknown): LambdaError {
  if (error instanceof LambdaError) return error;
  if (error instanceof Error) return new LambdaError(error.name, error.message);
  return new LambdaError("Error", String(error));
}

function contextOf(functionName: string, awsRequestId: string, nowMs: number): Context {
  return {
    functionName,
    awsRequestId,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${functionName}`,
    memoryLimitInMB: "512",
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: new Date(nowMs).toISOString().slice(0, 10),
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => 30_000,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
