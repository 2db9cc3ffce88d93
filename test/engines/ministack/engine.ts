import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import autopilotConfig from "../../../autopilot.config.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import { memberAccountTemplate } from "../../../stacks/member-account.ts";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { freePort, untilServed } from "../ports.ts";
import { installPython, python } from "../python.ts";
import { listed } from "./listed.ts";
import { startWorld } from "./world.ts";

const root = resolve(import.meta.dirname, "../../..");
const STAGE = "production";
const MEMBER = "210987654321";

/** Preloaded into the functions. Slack's client has one address, which can't be set from outside. */
const SLACK_ADDRESS = `
  const send = globalThis.fetch;
  globalThis.fetch = (input, options) => {
    const url = typeof input === "string" ? input : (input.url ?? String(input));
    const isSlack = url.startsWith("https://slack.com/");
    return send(isSlack ? url.replace("https://slack.com", process.env.WORLD_URL + "/slack") : input, options);
  };
`;

const resultSchema = z.object({
  flows: z.array(z.object({ flow: z.string(), steps: z.array(z.string()), seconds: z.number(), failure: z.string() })),
  left: z.record(z.string(), z.int()),
});

/** Deploys the rendered production stage on MiniStack, with IAM enforced, and plays flows on it. */
export const ministack: Engine = {
  name: "ministack",
  about: "the rendered stage and the real bundles on MiniStack, with IAM enforced",
  needs: ["python3"],
  inQuick: false,
  install: installPython,
  run: async (context) => {
    const work = mkdtempSync(join(tmpdir(), "ministack-"));
    const remove = () => rmSync(work, { recursive: true, force: true });
    // Ctrl-C exits once the programs have ended, and waits for nothing else.
    process.once("exit", remove);
    try {
      return await play(context, work);
    } finally {
      process.off("exit", remove);
      remove();
    }
  },
};

async function play(context: EngineContext, work: string): Promise<EngineResult> {
  const config = parseConfig(autopilotConfig);
  const graph = join(work, "graph.json");
  const bundles = join(work, "bundles");
  const template = join(work, "member.json");
  context.progress("rendering the stage");
  await context.children.run(process.execPath, [
    join(root, "tools/render.ts"),
    ...["--stage", STAGE, "--bundles", "--directory", bundles, "--out", graph],
  ]);
  writeFileSync(template, JSON.stringify(memberAccountTemplate(config, STAGE, MEMBER)));
  const world = await startWorld(config);
  const port = await freePort();
  const denied: string[] = [];
  const environment = {
    ...serverEnvironment(port, config.homeAccount, work),
    WORLD_URL: world.url,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(SLACK_ADDRESS)}`,
  };
  const server = context.children.start(python(context), [join(context.sources, "server.py")], {
    environment,
    onLine: (line) => {
      if (line.startsWith("DENIED ")) denied.push(line);
    },
  });
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await untilServed("MiniStack", `${endpoint}/_ministack/health`, server.ended);
    const output = await context.children.run(
      python(context),
      [join(context.sources, "flows.py"), graph, bundles, template],
      {
        environment: {
          PYTHONDONTWRITEBYTECODE: "1",
          AWS_ENDPOINT_URL: endpoint,
          WORLD_URL: world.url,
          SLACK_TOKEN: world.slackToken,
          NODE: process.execPath,
          CLI: join(root, "cli/main.ts"),
        },
        onLine: (line) => {
          if (!line.startsWith("{")) context.progress(line);
        },
      },
    );
    return result(resultSchema.parse(JSON.parse(output)), denied, context);
  } finally {
    await server.end();
    await world.close();
  }
}

function result(
  { flows, left }: z.output<typeof resultSchema>,
  denied: readonly string[],
  context: EngineContext,
): EngineResult {
  const failed = flows.filter(({ failure }) => failure !== "").map(({ flow, failure }) => `${flow}: ${failure}`);
  const found = [...failed, ...new Set(denied)];
  return {
    table: {
      columns: ["flow", "steps", "seconds", "result"],
      rows: flows.map(({ flow, steps, seconds, failure }) => [
        flow,
        steps.length,
        seconds,
        failure === "" ? "passed" : "failed",
      ]),
    },
    differences: withReasons(found, listed, context),
    figures: {
      flows: flows.length,
      "left out": Object.entries(left)
        .map(([type, count]) => `${count} ${type.split(":").at(-1)}`)
        .join(", "),
    },
  };
}

/** IAM is on; the root of an account is known by its number. Functions find Node.js 24 first. */
function serverEnvironment(port: number, account: string, work: string): Readonly<Record<string, string>> {
  return {
    AUTH: "true",
    GATEWAY_PORT: String(port),
    BIND_HOST: "127.0.0.1",
    MINISTACK_HOST: "127.0.0.1",
    MINISTACK_ACCOUNT_ID: account,
    AWS_ACCESS_KEY_ID: account,
    AWS_SECRET_ACCESS_KEY: "test",
    PYTHONDONTWRITEBYTECODE: "1",
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    // What it keeps beside the temporary files.
    STATE_DIR: work,
    TMPDIR: work,
  };
}
