import { createHash } from "node:crypto";

/**
 * Runs the product's own functions in every order of their calls: each call to the world outside is a point at which
 * another actor may go on instead. States that were seen are not entered again.
 */

/** Who acts: its function is run again after a crash, as Lambda and Step Functions do. */
export interface Actor<World> {
  readonly name: string;
  readonly act: (world: World, gate: Gate) => Promise<void>;
  /** Its process may die before any of its calls, or after it without seeing the answer. */
  readonly crashes?: boolean;
}

export interface Scenario<World> {
  readonly name: string;
  /** A new world for each run: the same each time. */
  readonly create: () => Promise<World>;
  readonly actors: readonly Actor<World>[];
  /** All of the world that its future depends on. */
  readonly snapshot: (world: World) => string;
  /** What is wrong when nobody has anything left to do; it may carry the world on to its end first. */
  readonly violations: (world: World) => Promise<readonly string[]>;
  /** How often an actor is interrupted that could go on. Without it there is no limit. */
  readonly maxInterruptions?: number;
  /** How many processes die in one run (default 1), if an actor crashes at all. */
  readonly maxCrashes?: number;
}

/** An actor's way to the world: a call is made when its turn comes. */
export interface Gate {
  call<T>(label: string, perform: () => Promise<T>): Promise<T>;
  /** The object, each of whose calls waits for its turn. A list is one call. */
  over<T extends object>(name: string, target: T): T;
}

export interface Explored {
  readonly states: number;
  readonly runs: number;
  /** Every state was seen, up to the limits of the scenario. */
  readonly complete: boolean;
  /** Each with the shortest order of calls that led to it. */
  readonly violations: ReadonlyMap<string, readonly string[]>;
}

/** A scenario without the type of its world. */
export interface ExploredScenario {
  readonly name: string;
  readonly explore: (limits: { readonly maxRuns: number }) => Promise<Explored>;
}

/** The scenario, ready to be explored beside those of other worlds. */
export function exploredScenario<World>(scenario: Scenario<World>): ExploredScenario {
  return { name: scenario.name, explore: (limits) => explore(scenario, limits) };
}

interface Pending {
  readonly process: Process;
  readonly label: string;
  readonly go: () => void;
}

interface Process {
  readonly name: string;
  readonly order: number;
  readonly actor: number;
  /** The answers that the code was given so far: equal answers lead to the same next call. */
  answers: string;
  isDead: boolean;
}

/** One way to go on: who, and whether its process dies at this call. */
type Choice = { readonly pending: Pending; readonly dies: "no" | "before" | "after" };

/** Explores until every state was seen, or `maxRuns` were made. */
async function explore<World>(scenario: Scenario<World>, { maxRuns }: { readonly maxRuns: number }): Promise<Explored> {
  const seen = new Set<string>();
  const violations = new Map<string, readonly string[]>();
  const open: (readonly number[])[] = [[]];
  let runs = 0;
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    if (runs >= maxRuns) return { states: seen.size, runs, complete: false, violations };
    runs += 1;
    const ended = await runOnce(scenario, prefix, { seen, open });
    for (const violation of ended?.violations ?? []) {
      const known = violations.get(violation);
      if (!known || known.length > (ended?.trace.length ?? 0)) violations.set(violation, ended?.trace ?? []);
    }
  }
  return { states: seen.size, runs, complete: true, violations };
}

/** Follows the prefix, then the first choice each time; notes the other choices. Undefined at a state that was seen. */
async function runOnce<World>(
  scenario: Scenario<World>,
  prefix: readonly number[],
  { seen, open }: { readonly seen: Set<string>; readonly open: (readonly number[])[] },
) {
  const run = new Run(scenario, await scenario.create());
  const path: number[] = [];
  for (;;) {
    await settled();
    const choices = run.choices();
    if (choices.length === 0) break;
    if (path.length >= prefix.length) {
      const state = run.state();
      if (seen.has(state)) return undefined;
      seen.add(state);
      for (let other = choices.length - 1; other >= 1; other -= 1) open.push([...path, other]);
    }
    const choice = prefix[path.length] ?? 0;
    path.push(choice);
    const chosen = choices[choice];
    if (!chosen) throw new Error(`${scenario.name} is not the same each time: choice ${choice} at ${path.length}`);
    run.take(chosen);
  }
  return { violations: [...run.errors, ...(await scenario.violations(run.world))], trace: run.trace };
}

/** Code that waits for nothing outside has run on as far as it can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

class Run<World> {
  readonly trace: string[] = [];
  readonly errors: string[] = [];
  readonly #pending: Pending[] = [];
  readonly #processes: Process[] = [];
  #last: Process | undefined;
  #interruptions = 0;
  #crashes = 0;

  readonly scenario: Scenario<World>;
  readonly world: World;

  constructor(scenario: Scenario<World>, world: World) {
    this.scenario = scenario;
    this.world = world;
    for (const index of scenario.actors.keys()) this.#start(index);
  }

  #start(actor: number): void {
    const { name, act } = this.#actor(actor);
    const process: Process = { name, order: this.#processes.length, actor, answers: "", isDead: false };
    this.#processes.push(process);
    const ended = (how: string) => this.#answered(process, "end", how);
    const failed = (error: unknown) => {
      this.trace.push(`${name} ends with ${String(error)}`);
      ended(String(error));
    };
    // Its first call comes before the run goes on, since nothing before it waits for anything outside.
    Promise.resolve()
      .then(() => act(this.world, this.#gate(process)))
      .then(() => ended("done"), failed);
  }

  #actor(index: number): Actor<World> {
    const actor = this.scenario.actors[index];
    if (!actor) throw new Error(`no actor ${index}`);
    return actor;
  }

  #answered(process: Process, label: string, answer: unknown): void {
    process.answers = digest(`${process.answers}\n${label}\n${JSON.stringify(answer) ?? ""}`);
  }

  #gate(process: Process): Gate {
    const call = <T>(label: string, perform: () => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        const answered = (label_: string, answer: unknown, deliver: () => void) => {
          this.#answered(process, label_, answer);
          if (!process.isDead) deliver();
        };
        const go = () =>
          void Promise.resolve()
            .then(perform)
            .then(
              (value) => answered(label, value, () => resolve(value)),
              (error: unknown) => answered(`${label}!`, String(error), () => reject(error)),
            );
        this.#pending.push({ process, label, go });
      });
    const over = <T extends object>(name: string, target: T): T =>
      new Proxy(target, {
        get: (object, key) => {
          const member: unknown = Reflect.get(object, key);
          if (typeof member !== "function") return member;
          const label = `${name}.${String(key)}`;
          const isList = member.constructor.name === "AsyncGeneratorFunction";
          if (!isList) return (...args: unknown[]) => call(label, async () => member.apply(object, args) as unknown);
          return async function* (...args: unknown[]) {
            yield* await call(label, () => Array.fromAsync(member.apply(object, args) as AsyncIterable<unknown>));
          };
        },
      });
    return { call, over };
  }

  /** The actor that went last first, so that the first choice interrupts nobody. */
  choices(): readonly Choice[] {
    const ready = this.#pending
      .filter(({ process }) => !process.isDead)
      .sort((a, b) => a.process.order - b.process.order);
    const own = ready.filter(({ process }) => process === this.#last);
    const others = ready.filter(({ process }) => process !== this.#last);
    const { maxInterruptions = Number.POSITIVE_INFINITY, maxCrashes = 1 } = this.scenario;
    const mayInterrupt = own.length === 0 || this.#interruptions < maxInterruptions;
    const next = mayInterrupt ? [...own, ...others] : own;
    const mayDie = this.#crashes < maxCrashes;
    return [
      ...next.map((pending) => ({ pending, dies: "no" as const })),
      ...(mayDie ? next : [])
        .filter(({ process }) => this.#actor(process.actor).crashes)
        .flatMap((pending) => [
          { pending, dies: "before" as const },
          { pending, dies: "after" as const },
        ]),
    ];
  }

  take({ pending, dies }: Choice): void {
    const { process, label, go } = pending;
    const canGoOn = this.#pending.some((one) => one.process === this.#last && !one.process.isDead);
    if (this.#last !== undefined && this.#last !== process && canGoOn) this.#interruptions += 1;
    this.#last = process;
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    this.trace.push(`${process.name}: ${label}${dies === "no" ? "" : `, and dies ${dies} it`}`);
    if (dies !== "before") go();
    if (dies === "no") return;
    process.isDead = true;
    this.#crashes += 1;
    this.#start(process.actor);
  }

  state(): string {
    const processes = this.#processes.map(({ answers, isDead }) => `${answers}${isDead ? " dead" : ""}`);
    const waiting = this.#pending.map(({ process, label }) => `${process.order} ${label}`).sort();
    const limits = [this.#last?.order ?? "", this.#interruptions, this.#crashes];
    return digest([this.scenario.snapshot(this.world), ...processes, ...waiting, ...limits].join("\n"));
  }
}

function digest(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}
