import { loadSharedConfigFiles } from "@smithy/core/config";
import {
  type AwsRouter,
  type Clock,
  type EcsOptions,
  type Faults,
  Iam,
  LOST_ANSWER,
  Simulator,
  type StepFunctionsOptions,
  seededRandom,
} from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import type { Config } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { type AutopilotDeployment, functionArn } from "../../stacks/definitions/deployment.ts";
import { eventPatterns, type Schedule, schedules } from "../../stacks/definitions/event-patterns.ts";
import { scheduleGroupArn } from "../../stacks/definitions/event-permissions.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { heartbeatsOf } from "../../stacks/definitions/heartbeat.ts";
import { patternOptionsOf } from "../../stacks/deployment.ts";
import { createFleet, type Fleet, type OperatorCall } from "../fleet/fleet.ts";
import { functionFactories } from "../lambda/functions.ts";
import { createPlatform, type LabPlatform, type Platform } from "../lambda/platform.ts";
import { RollCalls, type RollRecord, rollsOf } from "../lambda/rolls.ts";
import { type FunctionFactory, LambdaRuntime, type LambdaRuntimeOptions } from "../lambda/runtime.ts";
import { expiringItems } from "../ledger/expiring-items.ts";
import { memoryLedger } from "../ledger/ledger-memory.ts";
import { playHeartbeats } from "./heartbeats.ts";
import { installRules } from "./install-rules.ts";
import { forwardingRoleArn, installRoles, labDeployment, scheduleRoleArn } from "./roles.ts";
import { addServices, LAB_SLACK_TOKEN, type Services } from "./services.ts";
import { loadStateMachines, type StateMachineArns, stateMachineArns } from "./state-machines.ts";

export { LAB_SLACK_TOKEN } from "./services.ts";

export interface LabOptions {
  readonly clock: Clock & {
    readonly busy?: () => () => void;
    readonly hold?: <T>(promise: Promise<T>) => Promise<T>;
  };
  readonly config: Config;
  readonly seed?: number;
  readonly ledger?: Ledgers;
  /** Refuse calls above AWS's rates. Default true. */
  readonly throttling?: boolean;
  /** Every call takes time, of which the seed decides how much. Default false: then none does. */
  readonly latency?: boolean;
  /** Emit CloudTrail events too, as an account with a trail does. Default false. */
  readonly cloudTrail?: boolean;
  /** Which services have short ARNs. Default: none. */
  readonly shortArns?: NonNullable<EcsOptions["shortArns"]>;
  /** How probable it is that an event comes twice. Default 0. */
  readonly duplicateProbability?: number;
  /**
   * A ztunnel gets healthy only with a certificate: istiod gives it by the task's role and the token's root certificate
   * and address. Default true; false: every ztunnel gets one.
   */
  readonly checksCertificates?: boolean;
  /** Run the schedules (sweep, watch). Default true. */
  readonly schedules?: boolean;
  /** Every region sends its heartbeats, and alarms go off when none comes. Default false. */
  readonly heartbeats?: boolean;
  /** Where the lab can be reached, for the control planes' URLs. */
  readonly endpoint?: string;
  /** Called with every event of every execution. */
  readonly onExecutionEvent?: StepFunctionsOptions["onEvent"];
  /** Called for each call of a function, by name: `ecs.UpdateService`, `ledger.takeLease`, `kubernetes.GET`. */
  readonly onFunctionCall?: (call: string, functionName: string) => void;
  /** Keep log lines, events and histories. Default true. */
  readonly keepRecords?: boolean;
  /**
   * The functions' calls of ECS, Step Functions and EventBridge go without the SDK's pipeline, which is most of what a
   * call costs in process: the lab gets the same JSON, and answers with the same JSON and errors. Default false.
   */
  readonly directCalls?: boolean;
  /** Measure what goes between the states of RollFleet. Default false. */
  readonly measurePayloads?: boolean;
  /** Called with what a state machine's step gave to a function, and what that answered. */
  readonly onStep?: LambdaRuntimeOptions["onStep"];
}

export interface LogLine {
  /** Lab time, epoch milliseconds. */
  readonly atMs: number;
  readonly functionName: string;
  readonly line: string;
}

/**
 * The product on a simulator: its functions, event rules and state machines, on simulated AWS accounts, Kubernetes
 * control planes and Slack. Everything goes by the given clock.
 */
export class Lab implements Services, StateMachineArns {
  readonly clock: LabOptions["clock"];
  readonly config: Config;
  readonly simulator: Simulator;
  readonly iam: Iam;
  readonly ecs: Services["ecs"];
  readonly secrets: Services["secrets"];
  readonly eventBridge: Services["eventBridge"];
  readonly cloudWatch: Services["cloudWatch"];
  readonly stepFunctions: Services["stepFunctions"];
  readonly slack: Services["slack"];
  readonly controlPlanes: Services["controlPlanes"];
  readonly lambda: LambdaRuntime;
  readonly ledger: Ledgers;
  readonly logs: LogLine[] = [];
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
  readonly #rollCalls = new RollCalls();
  readonly #deployment: AutopilotDeployment;
  readonly #platform: LabPlatform;

  constructor(options: LabOptions) {
    const { clock, config, seed = 1, throttling = true, latency = false } = options;
    this.clock = clock;
    this.config = config;
    this.#deployment = labDeployment(config);
    this.ledger = options.ledger ?? memoryLedger(expiringItems({ now: () => clock.now(), seed }));
    this.simulator = new Simulator({ clock, seed, throttling, latency });
    ({ rollServiceArn: this.rollServiceArn, rollFleetArn: this.rollFleetArn } = stateMachineArns(config));
    const services = addServices(this.simulator, serviceOptions(options, this.rollFleetArn));
    this.ecs = services.ecs;
    this.secrets = services.secrets;
    this.eventBridge = services.eventBridge;
    this.cloudWatch = services.cloudWatch;
    this.stepFunctions = services.stepFunctions;
    this.slack = services.slack;
    this.controlPlanes = services.controlPlanes;
    this.iam = new Iam(this.simulator.context);
    installRoles(this.iam, config);
    loadStateMachines(this.stepFunctions, this, this.#deployment);
    this.#platform = this.#createPlatform(options);
    this.lambda = this.#createLambda(options, seed);
    this.simulator.context.functions.provide(this.lambda);
    this.#installRules();
    if (options.schedules !== false) this.#startSchedules();
    if (options.heartbeats) this.#startHeartbeats();
  }

  get faults(): Faults {
    return this.simulator.faults;
  }

  get router(): AwsRouter {
    return this.simulator.router;
  }

  /** One AWS call as an operator of an account makes it. Throws an Error with AWS's error name and message. */
  readonly call = async (
    at: { readonly account: string; readonly region: string },
    call: string,
    input: JsonObject,
    target = "AmazonEC2ContainerServiceV20141113",
  ): Promise<JsonObject> => {
    const headers = { "x-amz-target": `${target}.${call}`, "content-type": "application/x-amz-json-1.1" };
    const request = { method: "POST", path: "/", query: {}, headers, body: JSON.stringify(input) };
    for (;;) {
      const { status, body } = await this.simulator.handle(request, at);
      const answer: unknown = JSON.parse(body);
      if (!isJsonObject(answer)) throw new Error(`${call} answered no object`);
      if (status < 300) return answer;
      if (answer.__type !== "ThrottlingException" && answer.message !== LOST_ANSWER)
        throw new Error(`${String(answer.__type)}: ${String(answer.message)}`);
      await this.clock.sleep(1000);
    }
  };

  /** Creates Slack's secret and the fleet, then reads the control planes' mesh facts once. */
  async prepare(fleet?: Fleet): Promise<void> {
    // The SDK reads its files once in a process, which takes real time: an invocation must not be the first to ask.
    const read = loadSharedConfigFiles();
    await (this.clock.hold?.(read) ?? read);
    const { homeAccount: account, homeRegion: region, slack } = this.config;
    const secret = { Name: slack.secretName, SecretString: JSON.stringify({ token: LAB_SLACK_TOKEN }) };
    await this.call({ account, region }, "CreateSecret", secret, "secretsmanager");
    const ecsCall: OperatorCall = (at, call, input) => this.call(at, call, input);
    if (fleet) await createFleet(fleet, ecsCall);
    await this.lambda.invokeAsync("watch-root-ca", {});
  }

  /**
   * Deploys other code in place of the functions', as a deployment of another version of the autopilot does: what runs
   * ends as it began, everything that is invoked from now on meets the other code, also in executions under way.
   */
  deploy(factories: (platform: Platform) => Readonly<Record<string, FunctionFactory>> = functionFactories): void {
    this.lambda.deploy(factories(this.#platform));
  }

  /** Every roll so far, the oldest first. */
  rolls(): RollRecord[] {
    return rollsOf(this.stepFunctions, this.rollServiceArn, this.#rollCalls);
  }

  /** The product's functions, each in sandboxes that the simulator answers. */
  #createPlatform(options: LabOptions): LabPlatform {
    const { clock, config, keepRecords = true, endpoint = DEFAULT_ENDPOINT } = options;
    return createPlatform({
      config,
      simulator: this.simulator,
      iam: this.iam,
      deployment: this.#deployment,
      ledger: this.ledger,
      endpoint,
      controlPlanes: () => this.controlPlanes.values(),
      rollServiceArn: this.rollServiceArn,
      rollFleetArn: this.rollFleetArn,
      directCalls: options.directCalls ?? false,
      ...(keepRecords && {
        onLine: (functionName: string, line: string) => this.logs.push({ atMs: clock.now(), functionName, line }),
      }),
      onCall: (name, sandbox) => {
        if (keepRecords) this.#rollCalls.count(sandbox.executionArn(), name);
        options.onFunctionCall?.(name, sandbox.functionName);
      },
    });
  }

  #createLambda(options: LabOptions, seed: number): LambdaRuntime {
    const platform = this.#platform;
    return new LambdaRuntime({
      clock: options.clock,
      faults: this.faults,
      // Of their own: how often functions run must not change what ECS's tasks take.
      random: seededRandom(seed + 1_000_003),
      functions: functionFactories(platform),
      reservedConcurrency,
      timeoutSeconds,
      repeated,
      latency: this.simulator.context.latency,
      inSandbox: platform.inSandbox,
      ...(options.onStep && { onStep: options.onStep }),
      arnOf: (qualifiedName) => {
        const [functionName = "", qualifier] = qualifiedName.split(":");
        const unqualified = functionArn(this.#deployment, functionName);
        return qualifier === undefined ? unqualified : `${unqualified}:${qualifier}`;
      },
    });
  }

  #installRules(): void {
    const { config, eventBridge } = this;
    const home = { account: config.homeAccount, region: config.homeRegion };
    const rules = eventPatterns(patternOptionsOf(config, undefined));
    installRules(eventBridge, rules, home, heartbeatsOf(this.#deployment).places, {
      name: resourceNames(config).busName,
      forwardingRole: (account) => forwardingRoleArn(this.#deployment, account),
    });
  }

  #startHeartbeats(): void {
    const { clock, eventBridge, iam, config } = this;
    const home = { account: config.homeAccount, region: config.homeRegion };
    const cloudWatch = (operation: string, input: JsonObject) =>
      this.call(home, operation, input, "GraniteServiceVersion20100801");
    // Runs for as long as the lab does.
    void playHeartbeats(this.#deployment, { clock, eventBridge, iam, cloudWatch });
  }

  #startSchedules(): void {
    for (const schedule of schedules) {
      const { functionName, everyMinutes } = schedule;
      const run = async () => {
        for (;;) {
          await this.clock.sleep(everyMinutes * 60_000);
          if (this.#mayInvoke(schedule)) await this.lambda.invokeAsync(functionName, {});
        }
      };
      // Runs for as long as the lab does.
      void run();
    }
  }

  /** A schedule that may not invoke its function hands the event to a queue, and tries again the next time. */
  #mayInvoke(schedule: Schedule): boolean {
    const { home } = this.#deployment;
    const session = {
      service: "scheduler.amazonaws.com",
      sourceArn: scheduleGroupArn(this.#deployment),
      roleArn: scheduleRoleArn(this.#deployment, schedule),
      sessionName: schedule.name,
    };
    const resource = functionArn(this.#deployment, schedule.functionName);
    return this.iam.refusalOfRole(session, { action: "lambda:InvokeFunction", resource }, home) === undefined;
  }
}

const DEFAULT_ENDPOINT = "http://127.0.0.1:4566";

const reservedConcurrency = Object.fromEntries(
  functions.flatMap(({ name, reservedConcurrency: most }) => (most === undefined ? [] : [[name, most]])),
);

const repeated = new Set<string>(functions.flatMap(({ name, repeats }) => (repeats ? [name] : [])));

const timeoutSeconds = Object.fromEntries(functions.map(({ name, timeoutSeconds: most }) => [name, most]));

function serviceOptions(options: LabOptions, rollFleetArn: string): Parameters<typeof addServices>[1] {
  const { config, endpoint = DEFAULT_ENDPOINT, keepRecords = true, onExecutionEvent } = options;
  return {
    config,
    endpoint,
    keepRecords,
    ecs: { cloudTrail: options.cloudTrail ?? false, ...(options.shortArns && { shortArns: options.shortArns }) },
    duplicateProbability: options.duplicateProbability ?? 0,
    checksCertificates: options.checksCertificates ?? true,
    stepFunctions: {
      keepHistory: keepRecords,
      measurePayloads: (arn) => options.measurePayloads === true && arn === rollFleetArn,
      ...(onExecutionEvent && { onEvent: onExecutionEvent }),
    },
  };
}
