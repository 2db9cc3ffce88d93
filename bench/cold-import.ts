import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { median } from "./report.ts";

/** What importing a bundle takes in a process of its own: the medians. */
export interface ColdImport {
  readonly elapsedMs: number;
  /** Of the processor, in all threads: other work on the machine changes it less. */
  readonly cpuMs: number;
}

/**
 * How long fresh processes take to import each of the files. All are imported once before any is again, so that what else
 * the machine does meanwhile concerns all of them alike.
 */
export async function coldImports(
  files: readonly string[],
  rounds: number,
  onRound: (round: number) => void,
): Promise<ReadonlyMap<string, ColdImport>> {
  const taken = new Map(files.map((file) => [file, [] as ColdImport[]]));
  for (let round = 1; round <= rounds; round += 1) {
    onRound(round);
    for (const [file, runs] of taken) runs.push(await coldImport(file));
  }
  return new Map(
    [...taken].map(([file, runs]) => [
      file,
      { elapsedMs: median(runs.map((run) => run.elapsedMs)), cpuMs: median(runs.map((run) => run.cpuMs)) },
    ]),
  );
}

const IMPORT = `
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
const { handler } = await import(process.argv[1]);
const elapsedMs = performance.now() - startedMs;
const { user, system } = process.cpuUsage(cpuBefore);
if (typeof handler !== "function") throw new Error("the bundle exports no handler");
console.log(elapsedMs, (user + system) / 1000);`;

/** The environment of a deployed function, as far as it matters to an import. */
const environment = {
  PATH: process.env.PATH ?? "",
  AWS_REGION: "us-east-1",
  AWS_LAMBDA_FUNCTION_NAME: "bench",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
  AWS_ACCESS_KEY_ID: "123456789012",
  AWS_SECRET_ACCESS_KEY: "bench",
};

async function coldImport(file: string): Promise<ColdImport> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", IMPORT, file], {
    env: environment,
    cwd: dirname(file),
  });
  const [elapsedMs = Number.NaN, cpuMs = Number.NaN] = stdout.trim().split(" ").map(Number);
  return { elapsedMs, cpuMs };
}
