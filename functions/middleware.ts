import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import type { Metrics } from "@aws-lambda-powertools/metrics";
import middy, { type MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import { asAutopilotError } from "../shared/base/errors.ts";
import type { Json } from "../shared/base/json.ts";
import { createInstruments, type Instruments, type Tools, toolsOf } from "./observability.ts";

/** What a function does with an event. The event is parsed by the step itself. */
export type Step = (event: unknown, tools: Tools) => Promise<Json>;
export type LambdaHandler = (event: unknown, context: Context) => Promise<Json>;

/**
 * A step as a Lambda handler: log lines carry the request's id and the step's own keys, metrics are flushed at the end,
 * and an error is logged once, by its code, and thrown on. Events are never logged: they may carry what a log must not.
 */
export function instrument(instruments: Instruments, step: Step): LambdaHandler {
  const tools = toolsOf(instruments);
  const chain = middy<unknown, Json>()
    .use(injectLambdaContext(instruments.logger, { resetKeys: true }))
    .use(publishMetrics(instruments.metrics))
    .use(logFailure(tools))
    .handler((event: unknown) => step(event, tools));
  return (event, context) => chain(event, context);
}

function logFailure({ log, measure }: Tools): MiddlewareObj<unknown, Json> {
  return {
    onError: (request) => {
      const failure = asAutopilotError(request.error);
      const { code, message, retryable } = failure;
      measure.count("Failures", { code });
      log[retryable ? "warn" : "error"](message, { code, retryable });
      // Not thrown from here: the middlewares before this one have to clean up first.
      request.error = failure;
    },
  };
}

/** Powertools' own middleware warns of every invocation that measured nothing; most of ours do not. */
function publishMetrics(metrics: Metrics): MiddlewareObj<unknown, Json> {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return { after: publish, onError: publish };
}

/** A function without its environment fails at its first event, by name: that failure is counted, too. */
const NO_DEPLOYMENT = "none";

/** The exported handler of a function. Its context is connected at the first event, not at import. */
export function lambda(name: string, connect: () => Step): LambdaHandler {
  let step: Step | undefined;
  return instrument(createInstruments(name, process.env.AUTOPILOT_BUS || NO_DEPLOYMENT), (event, tools) => {
    step ??= connect();
    return step(event, tools);
  });
}
