import * as z from "zod";
import type { Json } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import { deploymentConfiguration, type LifecycleHook } from "./circuit-breaker.ts";
import type { EcsEnvironment } from "./environment.ts";
import type { EcsDeployment, HookRun } from "./model.ts";
import { type Stage, stagesAfterScaleUp, stagesBeforeScaleUp } from "./stages.ts";

const hookAnswerSchema = z.looseObject({
  hookStatus: z.string(),
  callBackDelay: z.number().positive().default(30),
});

/** What the scheduler does when a stage has ended. */
export interface StageListener {
  advanceStage(deployment: EcsDeployment): void;
  /** `problem` says in a sentence why the stage's hook failed. */
  hookFailed(deployment: EcsDeployment, stage: string, problem: string): void;
}

/**
 * Takes deployments through the stages of their strategy: hooks, shifts of traffic, the bake.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
 */
export class StagedDeployments {
  readonly #environment: EcsEnvironment;
  readonly #listener: StageListener;
  /** Pauses that wait for an action, by the hook's id. */
  readonly #paused = new Map<string, (action: "CONTINUE" | "ROLLBACK") => void>();

  constructor(environment: EcsEnvironment, listener: StageListener) {
    this.#environment = environment;
    this.#listener = listener;
  }

  /** Begins a deployment; its tasks are launched when the stages before that have ended. */
  begin(deployment: EcsDeployment): void {
    const stages = stagesBeforeScaleUp(deploymentConfiguration(deployment.service));
    if (stages.length === 0) return;
    deployment.phase = "waiting";
    // A rejection here is a defect of the simulator, and deliberately ends the process.
    void this.#walk(deployment, stages).then((ended) => {
      if (!ended) return;
      deployment.phase = "beside";
      this.#enter(deployment, "SCALE_UP");
      this.#listener.advanceStage(deployment);
    });
  }

  /** Goes on with a deployment whose tasks are all healthy; false when there is nothing more to wait for. */
  afterScaleUp(deployment: EcsDeployment): boolean {
    const configuration = deploymentConfiguration(deployment.service);
    if (deployment.staged === "ended" || deployment.phase === "waiting") return deployment.staged !== "ended";
    if (deployment.staged === "under way") return true;
    if (configuration.strategy === "ROLLING" && configuration.bakeTimeInMinutes === 0) return false;
    deployment.staged = "under way";
    // A rejection here is a defect of the simulator, and deliberately ends the process.
    void this.#walk(deployment, stagesAfterScaleUp(configuration)).then((ended) => {
      if (!ended) return;
      deployment.staged = "ended";
      deployment.phase = "replacing";
      if (configuration.strategy !== "ROLLING") this.#enter(deployment, "CLEAN_UP");
      this.#listener.advanceStage(deployment);
    });
    return true;
  }

  /** Ends a pause; false when no hook of this id waits for an action. */
  act(hookId: string, action: "CONTINUE" | "ROLLBACK"): boolean {
    const paused = this.#paused.get(hookId);
    paused?.(action);
    return paused !== undefined;
  }

  /** False when the deployment did not get to the end of the stages. */
  async #walk(deployment: EcsDeployment, stages: readonly Stage[]): Promise<boolean> {
    const { record } = deployment;
    const { lifecycleHooks } = deploymentConfiguration(deployment.service);
    for (const { name, waitMs } of stages) {
      this.#enter(deployment, name);
      for (const hook of lifecycleHooks.filter(({ lifecycleStages }) => lifecycleStages.includes(name))) {
        const problem = await this.#run(deployment, hook, name);
        if (!isUnderWay(deployment, record)) return false;
        if (problem === undefined) continue;
        this.#listener.hookFailed(deployment, name, problem);
        return false;
      }
      if (waitMs > 0) await this.#environment.clock.sleep(waitMs);
      if (!isUnderWay(deployment, record)) return false;
    }
    return isUnderWay(deployment, record);
  }

  #enter(deployment: EcsDeployment, stage: string): void {
    deployment.record.stage = stage;
    deployment.record.updatedAtMs = this.#environment.clock.now();
  }

  /** Why the hook does not let the deployment go on; `undefined` when it does. */
  async #run(deployment: EcsDeployment, hook: LifecycleHook, stage: string): Promise<string | undefined> {
    const { clock, random } = this.#environment;
    const { timeoutInMinutes, action } = hook.timeoutConfiguration;
    const pause = hook.targetType === "PAUSE";
    const run: HookRun = {
      hookId: randomUuid(random),
      targetType: hook.targetType,
      targetArn: pause ? undefined : hook.hookTargetArn,
      status: pause ? "AWAITING_ACTION" : "IN_PROGRESS",
      expiresAtMs: clock.now() + timeoutInMinutes * 60_000,
      timeoutAction: action,
    };
    deployment.record.hooks.push(run);
    run.status = pause ? await this.#pause(run) : await this.#invoke(deployment, hook, run, stage);
    if (run.status === "SUCCEEDED" || (run.status === "TIMED_OUT" && action === "CONTINUE")) return undefined;
    return run.problem ?? `Lifecycle hook target ${run.targetArn ?? run.targetType} returned ${run.status} status.`;
  }

  async #pause(run: HookRun): Promise<HookRun["status"]> {
    const { clock } = this.#environment;
    const acted = new Promise<HookRun["status"]>((resolve) => {
      this.#paused.set(run.hookId, (action) => resolve(action === "CONTINUE" ? "SUCCEEDED" : "FAILED"));
    });
    const timedOut = clock.sleep(run.expiresAtMs - clock.now()).then(() => "TIMED_OUT" as const);
    const status = await Promise.race([acted, timedOut]);
    this.#paused.delete(run.hookId);
    return status;
  }

  /** A function that answers `IN_PROGRESS` is asked again. One that can't be invoked, or answers nonsense, fails. */
  async #invoke(
    deployment: EcsDeployment,
    hook: LifecycleHook,
    run: HookRun,
    stage: string,
  ): Promise<HookRun["status"]> {
    const { clock, functions } = this.#environment;
    const { record, service } = deployment;
    const name = hook.hookTargetArn.split(":function:").at(-1) ?? "";
    const payload: Json = {
      executionId: run.hookId,
      lifecycleStage: stage,
      resourceArn: record.arn,
      executionDetails: { serviceArn: service.arn, targetServiceRevisionArn: record.targetServiceRevisionArn },
    };
    const context = { executionArn: record.arn, stateName: stage, signal: new AbortController().signal };
    while (clock.now() < run.expiresAtMs && isUnderWay(deployment, record)) {
      const answer = await functions
        .find()
        ?.invoke(name, payload, context)
        .catch(() => undefined);
      const { data } = hookAnswerSchema.safeParse(answer);
      if (data?.hookStatus === "SUCCEEDED") return "SUCCEEDED";
      if (!data) {
        run.problem = `ECS was unable to parse the response from ${hook.hookTargetArn} due to: HookStatus must not be null.`;
        return "FAILED";
      }
      if (data.hookStatus !== "IN_PROGRESS") return "FAILED";
      await clock.sleep(data.callBackDelay * 1000);
    }
    return "TIMED_OUT";
  }
}

/** A deployment that was replaced, has failed or belongs to another service deployment by now goes no further. */
function isUnderWay(deployment: EcsDeployment, record: EcsDeployment["record"]): boolean {
  return (
    deployment.record === record &&
    record.status === "IN_PROGRESS" &&
    deployment.status === "PRIMARY" &&
    deployment.rolloutState === "IN_PROGRESS" &&
    deployment.service.status === "ACTIVE"
  );
}
