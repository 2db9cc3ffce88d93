import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { median } from "./report.ts";

/** The median times to import a bundle in a fresh process. */
export interface ColdImport {
  readonly elapsedMs: number;
  /** CPU time of all threads. Other load on the machine affects it less than the elapsed time. */
  readonly cpuMs: number;
}

/**
 * How long fresh processes take to import each of the files. Each round imports every file once, so that other load on
 * the machine affects all files alike.
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

/** The environment variables of a deployed function that matter for an import. */
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
