import { join } from "node:path";
import autopilotConfig from "../../../autopilot.config.ts";
import { startLabServer } from "../../../lab/server/lab-server.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { freePort, untilServed } from "../ports.ts";
import { installPython, python } from "../python.ts";
import { type Answer, answersIn, differencesOf } from "./compare.ts";
import { listed } from "./listed.ts";

/** Another simulation of AWS, in Python. */
export const moto: Engine = {
  name: "moto",
  about: "one scenario of some 400 calls by boto3, on the lab's server and on moto",
  needs: ["python3"],
  inQuick: false,
  install: installPython,
  run,
};

/** Lab seconds in a real one: fast enough that its rates let the calls pass after a retry or two. */
const SPEED = 5;

async function run(context: EngineContext): Promise<EngineResult> {
  const { progress, quick } = context;
  progress("playing the scenario on the lab's server");
  const lab = await onLab(context);
  progress("playing the scenario on moto");
  const other = await onMoto(context);
  const paired = pairs(lab, other);
  const compared = paired.map(([ours, theirs]) => ({ ours, apart: differencesOf(ours, theirs) }));
  const services = Map.groupBy(compared, ({ ours }) => ours.operation.split(".")[0] ?? "");
  const found = [...new Set(compared.flatMap(({ apart }) => apart))];
  return {
    table: {
      columns: ["service", "calls", "refused by the lab", "answers that differ"],
      rows: [...services].map(([service, calls]) => [
        service,
        calls.length,
        calls.filter(({ ours }) => ours.error).length,
        calls.filter(({ apart }) => apart.length > 0).length,
      ]),
    },
    differences: withReasons(found, listed, { quick }),
    figures: { calls: paired.length, differences: found.length },
  };
}

/** The answers of both servers, call by call. @throws Error if they were not given the same calls */
function pairs(lab: readonly Answer[], other: readonly Answer[]): readonly (readonly [Answer, Answer])[] {
  if (lab.length !== other.length) throw new Error(`the lab answered ${lab.length} calls, moto ${other.length}`);
  return lab.map((ours, index) => {
    const theirs = other[index];
    if (theirs?.what !== ours.what) throw new Error(`call ${index} is "${ours.what}" and "${theirs?.what}"`);
    return [ours, theirs];
  });
}

async function onLab(context: EngineContext): Promise<readonly Answer[]> {
  const server = await startLabServer({ config: parseConfig(autopilotConfig), port: 0, speed: SPEED });
  try {
    return await play(context, server.endpoint);
  } finally {
    await server.close();
  }
}

async function onMoto(context: EngineContext): Promise<readonly Answer[]> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = context.children.start(join(context.folder, "venv/bin/moto_server"), [
    "-H",
    "127.0.0.1",
    "-p",
    `${port}`,
  ]);
  try {
    await untilServed("moto", `${endpoint}/moto-api/`, server.ended);
    return await play(context, endpoint);
  } finally {
    await server.end();
  }
}

async function play(context: EngineContext, endpoint: string): Promise<readonly Answer[]> {
  // Compiled files would be written beside the sources.
  const script = ["-B", join(context.sources, "scenario.py"), endpoint];
  return answersIn(await context.children.run(python(context), script));
}
