import {
  faultRuleSchema,
  type RequestHandler,
  type ScaledClock,
  type SimulatorResponse,
} from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import type { Lab } from "../autopilot/lab.ts";
import { passTime } from "./passing-time.ts";
import { labState } from "./state.ts";

export interface RoutesOptions {
  readonly lab: Lab;
  readonly clock: ScaledClock;
  /** True while something is under way for which the clock had better wait. */
  readonly isBusy: () => boolean;
}

/** What an answer holds, or why the request was refused. */
type Answer = { readonly body: unknown } | { readonly refused: string };
type Route = (body: string) => Promise<Answer> | Answer;

const DAY_SECONDS = 24 * 3600;
const faultsSchema = z.array(faultRuleSchema);
const clockSchema = z.strictObject({ advanceSeconds: z.number().positive().max(DAY_SECONDS) });

/** The lab's own routes, below `/_lab`: what happened, what goes wrong, what time it is. */
export function labRoutes({ lab, clock, isBusy }: RoutesOptions): RequestHandler {
  const now = () => ({ now: new Date(clock.now()).toISOString() });
  const routes: Readonly<Record<string, Route>> = {
    "GET /_lab/state": async () => ({ body: await labState(lab) }),
    "GET /_lab/faults": () => ({ body: lab.faults.list() }),
    "POST /_lab/faults": (body) =>
      parsed(faultsSchema, body, (rules) => {
        lab.faults.replace(rules);
        return lab.faults.list();
      }),
    "GET /_lab/slack": () => ({ body: lab.slack.threads() }),
    "GET /_lab/calls": () => ({ body: lab.router.calls() }),
    "GET /_lab/clock": () => ({ body: now() }),
    "POST /_lab/clock": (body) =>
      parsed(clockSchema, body, async ({ advanceSeconds }) => {
        await passTime(clock, advanceSeconds, isBusy);
        return now();
      }),
  };
  return async ({ method, path, body }) => {
    const asked = `${method} ${path}`;
    const route = Object.hasOwn(routes, asked) ? routes[asked] : undefined;
    if (!route) return response(404, { message: `There is no ${asked}.`, routes: Object.keys(routes) });
    const answer = await route(body);
    return "refused" in answer ? response(400, { message: answer.refused }) : response(200, answer.body);
  };
}

async function parsed<T>(schema: z.ZodType<T>, body: string, answer: (input: T) => unknown): Promise<Answer> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { refused: `The body is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const result = schema.safeParse(json);
  return result.success ? { body: await answer(result.data) } : { refused: z.prettifyError(result.error) };
}

/** Indented: people read it. */
function response(status: number, body: unknown): SimulatorResponse {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: `${JSON.stringify(body, null, 2)}\n` };
}
