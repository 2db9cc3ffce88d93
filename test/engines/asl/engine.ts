import { join } from "node:path";
import * as z from "zod";
import type { Engine, EngineContext } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { installPython, python } from "../python.ts";
import { differencesOf, replaySchema } from "./compare.ts";
import { type Change, localstackChanges, ministackChanges } from "./definitions.ts";
import { listed } from "./listed.ts";
import { type Recorded, scenarios } from "./scenarios.ts";

interface Interpreter {
  readonly name: string;
  readonly program: string;
  readonly changes: readonly Change[];
}

const interpreters: readonly Interpreter[] = [
  { name: "LocalStack", program: "localstack_replay.py", changes: localstackChanges },
  { name: "MiniStack", program: "ministack_replay.py", changes: ministackChanges },
];

/** Replays executions that the lab has recorded in LocalStack's and in MiniStack's interpreter. */
export const asl: Engine = {
  name: "asl",
  about: "the state machines' runs in the interpreters of LocalStack and MiniStack",
  needs: ["python3"],
  inQuick: true,
  install: installPython,
  run: async (context) => {
    const found: string[] = [];
    const rows: (string | number)[][] = [];
    for (const { name, record } of scenarios.filter(({ notInQuick }) => !(context.quick && notInQuick))) {
      context.progress(name);
      const recorded = await record();
      const { recordings } = recorded;
      const row: (string | number)[] = [name, recordings.length, sum(recordings, ({ lines }) => lines.flat().length)];
      row.push(sum(recordings, ({ answers }) => answers.length));
      for (const interpreter of interpreters) {
        const differences = await replay(interpreter, recorded, context);
        found.push(...differences.map((what) => `${interpreter.name}, ${name}: ${what}`));
        row.push(differences.length === 0 ? "same" : `differs in ${differences.length}`);
      }
      rows.push(row);
    }
    const total = (column: number) => rows.reduce((all, row) => all + Number(row[column]), 0);
    return {
      table: { columns: ["run", "executions", "states", "tasks", ...interpreters.map(({ name }) => name)], rows },
      differences: withReasons([...new Set(found)], listed, context),
      figures: { runs: rows.length, executions: total(1), states: total(2), tasks: total(3), shims: shims() },
    };
  },
};

async function replay(
  { program, changes }: Interpreter,
  { recordings, definitionOf }: Recorded,
  context: EngineContext,
): Promise<readonly string[]> {
  const input = recordings.map((recording) => ({
    ...recording,
    definition: definitionOf(recording.stateMachineArn, changes),
  }));
  const output = await context.children.run(python(context), [join(context.sources, program)], {
    input: JSON.stringify(input),
    environment: { PYTHONDONTWRITEBYTECODE: "1" },
  });
  const replays = z.array(replaySchema).length(recordings.length).parse(JSON.parse(output));
  return recordings.flatMap((recording, index) => {
    const one = replays[index];
    const machine = recording.stateMachineArn.split(":").at(-1);
    return one ? differencesOf(recording, one).map((what) => `${machine} ${what}`) : [];
  });
}

function shims(): string {
  return interpreters.map(({ name, changes }) => `${changes.length} for ${name}`).join(", ");
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
