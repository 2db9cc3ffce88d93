import { loadSharedConfigFiles } from "@smithy/core/config";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { DISCOVERY_TAG, resourceEndings, tagKeys, ZTUNNEL } from "../../shared/base/vocabulary.ts";
import { type Config, controlPlaneFor, targetsOf } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { CloudWatch } from "../../simulator/aws/cloudwatch/cloudwatch.ts";
import type { TaskChange } from "../../simulator/aws/ecs/environment.ts";
import { EcsSimulation } from "../../simulator/aws/ecs/simulation.ts";
import { Eks } from "../../simulator/aws/eks/eks.ts";
import { EventBridge } from "../../simulator/aws/event-bridge/event-bridge.ts";
import { SecretsManager } from "../../simulator/aws/secrets-manager/secrets-manager.ts";
import type { AwsEvent } from "../../simulator/aws/service.ts";
import { Ssm } from "../../simulator/aws/ssm/ssm.ts";
import { StepFunctionsApi } from "../../simulator/aws/step-functions/step-functions-api.ts";
import { Sts } from "../../simulator/aws/sts/sts.ts";
import type { Clock } from "../../simulator/clock/clock.ts";
import { Faults } from "../../simulator/faults.ts";
import { jsonResponse, type LabHandler } from "../../simulator/http/message.ts";
import { AwsRouter } from "../../simulator/http/router.ts";
import { KubernetesSimulation } from "../../simulator/kubernetes/kubernetes-simulation.ts";
import { rootCaPem } from "../../simulator/kubernetes/root-ca.ts";
import { seededRandom } from "../../simulator/random.ts";
import { SlackSimulation } from "../../simulator/slack/slack-simulation.ts";
import { StepFunctions, type StepFunctionsOptions } from "../../simulator/step-functions/executions.ts";
import { type EventPatternOptions, eventPatterns, schedules } from "../../stacks/definitions/event-patterns.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { rollFleetMachine, rollServiceMachine } from "../../stacks/definitions/state-machines.ts";
import { substitute } from "../../stacks/definitions/substitute.ts";
import { createFleet, type Fleet, type OperatorCall } from "../fleet/fleet.ts";
import { functionFactories } from "../lambda/functions.ts";
import { nestedStartError } from "../lambda/nested-start-error.ts";
import { createPlatform } from "../lambda/platform.ts";
import { RollCalls, type RollRecord, rollsOf } from "../lambda/rolls.ts";
import { LambdaRuntime } from "../lambda/runtime.ts";
import { memoryLedger } from "../ledger/ledger-memory.ts";
import { installRules } from "./install-rules.ts";

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
  /** Emit CloudTrail events too, as an account with a trail does. Default false. */
  readonly cloudTrail?: boolean;
  /** How probable it is that an event comes twice. Default 0. */
  readonly duplicateProbability?: number;
  /** Run the schedules (sweep, watch). Default true. */
  readonly schedules?: boolean;
  /** Where the lab can be reached, for the control planes' URLs. */
  readonly endpoint?: string;
  /** Told of every step of every execution. */
  readonly onExecutionEvent?: StepFunctionsOptions["onEvent"];
  /** Told of every call that a function makes, by name: `ecs.UpdateService`, `ledger.takeLease`, `kubernetes.GET`. */
  readonly onFunctionCall?: (call: string, functionName: string) => void;
  /** Keep log lines, events and histories, for those who look at them. Default true. */
  readonly keepRecords?: boolean;
  /**
   * The functions' calls of ECS, Step Functions and EventBridge go without the SDK's pipeline, which is most of what a call
   * costs in process: the lab gets the same JSON, and answers with the same JSON and errors. Default false.
   */
  readonly directCalls?: boolean;
  /** Measure what goes between the states of RollFleet. Default false. */
  readonly measurePayloads?: boolean;
}

export interface LogLine {
  /** Lab time, epoch milliseconds. */
  readonly atMs: number;
  readonly functionName: string;
  readonly line: string;
}

/** The Slack token of the lab: a scan of everything that is written looks for it. */
export const LAB_SLACK_TOKEN = "xoxb-lab-0123456789-secret";

/**
 * The product's functions, patterns and state machine on simulated AWS accounts, Kubernetes control planes and Slack.
 * What goes by the clock goes by the given one.
 */
export class Lab {
  readonly clock: LabOptions["clock"];
  readonly config: Config;
  readonly faults: Faults;
  readonly router: AwsRouter;
  readonly ecs: EcsSimulation;
  readonly secrets: SecretsManager;
  readonly eventBridge: EventBridge;
  readonly cloudWatch: CloudWatch;
  readonly stepFunctions: StepFunctions;
  readonly lambda: LambdaRuntime;
  readonly slack: SlackSimulation;
  readonly controlPlanes: ReadonlyMap<string, KubernetesSimulation>;
  readonly ledger: Ledgers;
  readonly logs: LogLine[] = [];
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
  readonly #rollCalls = new RollCalls();

  constructor(options: LabOptions) {
    const { clock, config, keepRecords = true, endpoint = "http://127.0.0.1:4566" } = options;
    const random = seededRandom(options.seed ?? 1);
    this.clock = clock;
    this.config = config;
    this.ledger = options.ledger ?? memoryLedger();
    this.faults = new Faults(() => clock.now());
    const machines = `arn:aws:states:${config.homeRegion}:${config.homeAccount}:stateMachine:${config.name}`;
    this.rollServiceArn = `${machines}-${resourceEndings.rollService}`;
    this.rollFleetArn = `${machines}-${resourceEndings.rollFleet}`;
    const shared = { clock, random, faults: this.faults };
    const home = { account: config.homeAccount, region: config.homeRegion };

    this.eventBridge = new EventBridge({
      ...shared,
      duplicateProbability: options.duplicateProbability ?? 0,
      ...(!keepRecords && { logLimit: 0 }),
      // An asynchronous invocation: it never rejects, a failing event ends as a dead letter.
      deliver: (functionName, event) => void this.lambda.invokeAsync(functionName, eventJson(event)),
    });
    const rules = eventPatterns(ruleOptions(config));
    installRules(this.eventBridge, rules, home, targetsOf(config), resourceNames(config).busName);
    const emit = (event: AwsEvent) => this.eventBridge.emit(event);
    this.secrets = new SecretsManager(shared);
    this.ecs = new EcsSimulation({
      ...shared,
      emit,
      secrets: this.secrets,
      onTask: (change) => this.#tellControlPlane(change),
      cloudTrail: options.cloudTrail ?? false,
    });
    this.cloudWatch = new CloudWatch({ ...shared, emit });
    this.controlPlanes = new Map(
      config.controlPlanes.map(({ name }) => [
        name,
        new KubernetesSimulation({
          ...shared,
          name,
          network: name,
          rootCaPem,
          eastWestHostname: `eastwest.${name}.example.com`,
          istiodVersion: "1.28.1-solo",
        }),
      ]),
    );
    this.slack = new SlackSimulation({ ...shared, token: LAB_SLACK_TOKEN });
    this.stepFunctions = new StepFunctions({
      clock,
      random,
      keepHistory: keepRecords,
      measurePayloads: (arn) => options.measurePayloads === true && arn === this.rollFleetArn,
      ...(options.onExecutionEvent && { onEvent: options.onExecutionEvent }),
      lambda: {
        invoke: (functionName, payload, state) => this.lambda.invokeFrom(functionName, payload, state),
      },
      nestedStartError: (stateName) => nestedStartError(this.faults, home, stateName),
    });
    const createdMs = clock.now();
    const stateMachines = [
      {
        stateMachineArn: this.rollServiceArn,
        definition: substitute(rollServiceMachine.definition, rollServiceMachine.functions),
      },
      {
        stateMachineArn: this.rollFleetArn,
        definition: substitute(rollFleetMachine.definition, {
          ...rollFleetMachine.functions,
          RollService: this.rollServiceArn,
        }),
      },
    ];
    for (const { stateMachineArn, definition } of stateMachines) {
      this.stepFunctions.createStateMachine(stateMachineArn, definition);
    }
    this.router = new AwsRouter({
      ...shared,
      throttling: options.throttling ?? true,
      services: [
        this.ecs.service(),
        this.secrets,
        this.eventBridge,
        this.cloudWatch,
        new StepFunctionsApi(
          this.stepFunctions,
          stateMachines.map((machine) => ({ ...machine, createdMs })),
        ),
        new Ssm({ ...shared, emit }),
        new Sts(shared),
        new Eks(eksClusters(config, endpoint)),
      ],
    });
    const platform = createPlatform({
      ...shared,
      config,
      router: this.router,
      elsewhere: this.elsewhere,
      ledger: this.ledger,
      endpoint,
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
    this.lambda = new LambdaRuntime({
      ...shared,
      // Of their own: how often functions run must not change what ECS's tasks take.
      random: seededRandom((options.seed ?? 1) + 1_000_003),
      functions: functionFactories(platform),
      reservedConcurrency,
      inSandbox: platform.inSandbox,
    });
    if (options.schedules !== false) this.#startSchedules();
  }

  /** Answers what is no AWS request: the control planes' Kubernetes APIs and Slack. */
  readonly elsewhere: LabHandler = async (request) => {
    const [, kind, name] = request.path.split("/");
    if (kind === "slack") return this.slack.handle(request);
    const plane = kind === "kubernetes" ? this.controlPlanes.get(name ?? "") : undefined;
    if (plane) return plane.handle(request);
    return jsonResponse(404, { message: `${request.path} is nothing that the lab has.` });
  };

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
      const { status, body } = await this.router.handle(request, at);
      const answer: unknown = JSON.parse(body);
      if (!isJsonObject(answer)) throw new Error(`${call} answered no object`);
      if (status < 300) return answer;
      if (answer.__type !== "ThrottlingException")
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

  /** Every roll so far, the oldest first. */
  rolls(): RollRecord[] {
    return rollsOf(this.stepFunctions, this.rollServiceArn, this.#rollCalls);
  }

  #startSchedules(): void {
    for (const { functionName, everyMinutes } of schedules) {
      const run = async () => {
        for (;;) {
          await this.clock.sleep(everyMinutes * 60_000);
          await this.lambda.invokeAsync(functionName, {});
        }
      };
      // Runs for as long as the lab does.
      void run();
    }
  }

  #tellControlPlane({ task, service, lastStatus, healthy }: TaskChange): void {
    const [, , , region = "", account = ""] = task.arn.split(":");
    const plane = controlPlaneFor(this.config, { account, region });
    if (!plane || task.cluster.tags.get(DISCOVERY_TAG) !== "true" || !task.network) return;
    this.controlPlanes.get(plane.name)?.taskChanged({
      taskArn: task.arn,
      serviceArn: service.arn,
      serviceName: service.name,
      namespace: task.tags.get(tagKeys.namespace) ?? "istio-system",
      serviceAccount: task.tags.get(tagKeys.serviceAccount) ?? "default",
      ipAddress: task.network.privateIpv4Address,
      running: lastStatus === "RUNNING",
      hasZtunnel: healthy && task.revision.spec.containerDefinitions.some(({ name }) => name === ZTUNNEL),
    });
  }
}

/** What the rules depend on in the configuration. */
function ruleOptions({ name, homeAccount, enrollTagKey, ztunnel, rootCaSecret }: Config): EventPatternOptions {
  const { imageParameter } = ztunnel;
  return {
    homeAccount,
    enrollTagKey,
    alarmNamePrefix: `${name}-`,
    ...(imageParameter !== undefined && { imageParameterName: imageParameter }),
    ...(rootCaSecret !== undefined && { rootCaSecret }),
  };
}

const reservedConcurrency = Object.fromEntries(
  functions.flatMap(({ name, reservedConcurrency: most }) => (most === undefined ? [] : [[name, most]])),
);

function eksClusters(config: Config, endpoint: string) {
  return config.controlPlanes.flatMap(({ name, eks }) =>
    eks
      ? [
          {
            name: eks.cluster,
            account: eks.account,
            region: eks.region,
            endpoint: `${endpoint}/kubernetes/${name}`,
            certificateAuthorityPem: rootCaPem,
          },
        ]
      : [],
  );
}

/** The event as a function gets it: an own copy, as through the wire. */
function eventJson(event: AwsEvent): Json {
  return { ...event, resources: [...event.resources] };
}
