import { placedAlarms } from "../../functions/alarms.ts";
import { connect, type FunctionContext } from "../../functions/context.ts";
import { controlPlanes, ROLL_KEPT_MS } from "../../functions/control-planes.ts";
import { instrument, type Step } from "../../functions/middleware.ts";
import { notifySlack } from "../../functions/notify-slack.ts";
import { reconcile } from "../../functions/reconcile-service.ts";
import { apply } from "../../functions/roll/apply.ts";
import { awaitItsDeployment } from "../../functions/roll/await-deployment.ts";
import { finish } from "../../functions/roll/finish.ts";
import { plan } from "../../functions/roll/plan.ts";
import { revert } from "../../functions/roll/revert.ts";
import { verify } from "../../functions/roll/verify.ts";
import { assess } from "../../functions/rollout/assess-wave.ts";
import { control } from "../../functions/rollout/control.ts";
import { finishRolloutStep } from "../../functions/rollout/finish.ts";
import { guard } from "../../functions/rollout/guard.ts";
import { hold } from "../../functions/rollout/hold.ts";
import { next } from "../../functions/rollout/next-wave.ts";
import { report } from "../../functions/rollout/report.ts";
import { homeParameters, request } from "../../functions/rollout/request.ts";
import { start } from "../../functions/rollout/start.ts";
import { take } from "../../functions/rollout/take.ts";
import { placedSecrets } from "../../functions/secrets.ts";
import { signalWaitingRoll } from "../../functions/signal-deployment.ts";
import { slackChannel } from "../../functions/slack.ts";
import { sweepServices } from "../../functions/sweep-services.ts";
import { watchRootCa } from "../../functions/watch-root-ca.ts";
import { type FunctionName, LAB_STAGE } from "../../shared/base/vocabulary.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { Platform } from "./platform.ts";
import type { FunctionFactory, Sandbox } from "./runtime.ts";

/** The product's functions by their file's name, as the stacks deploy them. */
const steps: Readonly<Record<FunctionName, (context: FunctionContext, platform: Platform) => Step>> = {
  "reconcile-service": (context) => reconcile(context),
  "sweep-services": (context, { kubernetesFetch: fetch }) =>
    sweepServices(context, controlPlanes(context, { fetch }), placedSecrets(context)),
  "signal-deployment": (context) => signalWaitingRoll(context),
  "watch-root-ca": (context, { kubernetesFetch: fetch, serving }) =>
    watchRootCa(context, controlPlanes(context, { fetch }), serving),
  "notify-slack": (context, { fetch, slackApiUrl }) =>
    notifySlack(context, slackChannel(context, { fetch, slackApiUrl })),
  "roll/plan": (context, { kubernetesFetch: fetch }) =>
    plan(context, controlPlanes(context, { fetch, keptMs: ROLL_KEPT_MS })),
  "roll/apply": (context, { kubernetesFetch: fetch }) =>
    apply(context, controlPlanes(context, { fetch, keptMs: ROLL_KEPT_MS }), placedSecrets(context)),
  "roll/await-deployment": (context) => awaitItsDeployment(context),
  "roll/verify": (context, { kubernetesFetch: fetch }) => verify(context, controlPlanes(context, { fetch })),
  "roll/revert": (context, { kubernetesFetch: fetch }) =>
    revert(context, controlPlanes(context, { fetch }), placedSecrets(context)),
  "roll/finish": (context) => finish(context),
  "rollout/request": (context) => request(context, homeParameters(context)),
  "rollout/control": (context) => control(context),
  "rollout/guard": (context) => guard(context, placedAlarms(context)),
  "rollout/start": (context) => start(context, placedAlarms(context)),
  "rollout/next-wave": (context) => next(context),
  "rollout/take": (context) => take(context),
  "rollout/hold": (context) => hold(context),
  "rollout/assess-wave": (context) => assess(context, placedAlarms(context)),
  "rollout/finish": (context) => finishRolloutStep(context),
  "rollout/report": (context, { fetch, slackApiUrl }) => report(context, slackChannel(context, { fetch, slackApiUrl })),
};

/** Every function on the lab's platform. A sandbox has gateways and caches of its own, as on Lambda. */
export function functionFactories(platform: Platform): Readonly<Record<string, FunctionFactory>> {
  const factory = (create: (context: FunctionContext, platform: Platform) => Step): FunctionFactory => {
    return (sandbox: Sandbox) => {
      const context = connect({
        config: platform.config,
        now: () => platform.clock.now(),
        pause: (ms) => platform.clock.sleep(ms),
        clients: platform.clients,
        ledger: platform.ledgerFor(sandbox),
        busName: resourceNames(platform.config).busName,
        stage: LAB_STAGE,
        rollServiceArn: platform.rollServiceArn,
        rollFleetArn: platform.rollFleetArn,
      });
      return instrument(platform.instruments(sandbox.functionName), create(context, platform));
    };
  };
  return Object.fromEntries(Object.entries(steps).map(([name, create]) => [name, factory(create)]));
}
