import { placedAlarms } from "../../functions/alarms.ts";
import { controlPlanes, ROLL_KEPT_MS } from "../../functions/control-planes.ts";
import { instrument, type Step } from "../../functions/middleware.ts";
import { notifySlack } from "../../functions/notify-slack.ts";
import { reconcileService } from "../../functions/reconcile-service.ts";
import { apply } from "../../functions/roll/apply.ts";
import { awaitItsDeployment } from "../../functions/roll/await-deployment.ts";
import { finish } from "../../functions/roll/finish.ts";
import { plan } from "../../functions/roll/plan.ts";
import { revert } from "../../functions/roll/revert.ts";
import { verify } from "../../functions/roll/verify.ts";
import { assess } from "../../functions/rollout/assess-wave.ts";
import { control } from "../../functions/rollout/control.ts";
import { finish as finishRollout } from "../../functions/rollout/finish.ts";
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
import { connect, type World } from "../../functions/world.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { Platform } from "./platform.ts";
import type { FunctionFactory, Sandbox } from "./runtime.ts";

/** The product's functions by their file's name, as the stacks deploy them. */
const steps: Readonly<Record<string, (world: World, platform: Platform) => Step>> = {
  "reconcile-service": (world) => reconcileService(world),
  "sweep-services": (world) => sweepServices(world, placedSecrets(world)),
  "signal-deployment": (world) => signalWaitingRoll(world),
  "watch-root-ca": (world, { kubernetesFetch: fetch }) => watchRootCa(world, controlPlanes(world, { fetch })),
  "notify-slack": (world, { fetch, slackApiUrl }) => notifySlack(world, slackChannel(world, { fetch, slackApiUrl })),
  "roll/plan": (world, { kubernetesFetch: fetch }) =>
    plan(world, controlPlanes(world, { fetch, keptMs: ROLL_KEPT_MS })),
  "roll/apply": (world, { kubernetesFetch: fetch }) =>
    apply(world, controlPlanes(world, { fetch, keptMs: ROLL_KEPT_MS }), placedSecrets(world)),
  "roll/await-deployment": (world) => awaitItsDeployment(world),
  "roll/verify": (world, { kubernetesFetch: fetch }) => verify(world, controlPlanes(world, { fetch })),
  "roll/revert": (world) => revert(world),
  "roll/finish": (world) => finish(world),
  "rollout/request": (world) => request(world, homeParameters(world)),
  "rollout/control": (world) => control(world),
  "rollout/guard": (world) => guard(world, placedAlarms(world)),
  "rollout/start": (world) => start(world),
  "rollout/next-wave": (world) => next(world),
  "rollout/take": (world) => take(world),
  "rollout/hold": (world) => hold(world),
  "rollout/assess-wave": (world) => assess(world, placedAlarms(world)),
  "rollout/finish": (world) => finishRollout(world),
  "rollout/report": (world, { fetch, slackApiUrl }) => report(world, slackChannel(world, { fetch, slackApiUrl })),
};

/** The functions that the state machine RollService names, by its tokens. */
export const rollServiceTokens: Readonly<Record<string, string>> = {
  Plan: "roll/plan",
  Apply: "roll/apply",
  AwaitDeployment: "roll/await-deployment",
  Verify: "roll/verify",
  Revert: "roll/revert",
  Finish: "roll/finish",
};

/** The functions that the state machine RollFleet names, by its tokens. */
export const rollFleetTokens: Readonly<Record<string, string>> = {
  Start: "rollout/start",
  NextWave: "rollout/next-wave",
  Take: "rollout/take",
  Hold: "rollout/hold",
  AssessWave: "rollout/assess-wave",
  Finish: "rollout/finish",
};

/** Every function on the lab's platform. A sandbox has gateways and caches of its own, as on Lambda. */
export function functionFactories(platform: Platform): Readonly<Record<string, FunctionFactory>> {
  const factory = (create: (world: World, platform: Platform) => Step): FunctionFactory => {
    return (sandbox: Sandbox) => {
      const world = connect({
        config: platform.config,
        now: () => platform.clock.now(),
        pause: (ms) => platform.clock.sleep(ms),
        clients: platform.clients,
        ledger: platform.ledgerFor(sandbox),
        busName: resourceNames(platform.config).busName,
        rollServiceArn: platform.rollServiceArn,
        rollFleetArn: platform.rollFleetArn,
      });
      return instrument(platform.instruments(sandbox.functionName), create(world, platform));
    };
  };
  return Object.fromEntries(Object.entries(steps).map(([name, create]) => [name, factory(create)]));
}
