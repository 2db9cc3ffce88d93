import {
  type AwsRouter,
  type AwsService,
  CloudWatch,
  Ecs,
  EventBridge,
  type Faults,
  inProcessFetch,
  inProcessRequestHandler,
  Kubernetes,
  type KubernetesOptions,
  SecretsManager,
  Simulator,
  type SimulatorContext,
  Slack,
  Ssm,
  StepFunctions,
  Sts,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import type { JsonObject } from "../../shared/base/json.ts";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";

export const HOME_ACCOUNT = "111111111111";
export const MEMBER_ACCOUNT = "222222222222";
const START_MS = Date.parse("2026-11-21T03:00:00Z");

/** A simulated AWS service: the product's clients of it, its clock, and the faults that strike it. */
export interface Simulated<Service extends AwsService = AwsService> {
  readonly service: Service;
  readonly clients: AwsClients;
  readonly router: AwsRouter;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly context: SimulatorContext;
}

/** One service in a simulator of its own, and the product's clients, with AWS's throttling and without real time. */
function simulated<Service extends AwsService>(make: (context: SimulatorContext) => Service): Simulated<Service> {
  const clock = new VirtualClock(START_MS);
  const simulator = new Simulator({ clock });
  simulator.add((context) => new Sts(context));
  const clients = awsClients({
    config: {
      name: "ztunnel-autopilot",
      homeRegion: "us-east-1",
      homeAccount: HOME_ACCOUNT,
      memberRoleName: "ztunnel-autopilot-member",
    },
    requestHandler: inProcessRequestHandler(simulator.handle),
    credentials: { accessKeyId: HOME_ACCOUNT, secretAccessKey: "s" },
    now: () => clock.now(),
    pause: (ms) => clock.advance(ms),
    random: () => 0.5,
  });
  const { faults, router, context } = simulator;
  return { service: simulator.add(make), clients, router, clock, faults, context };
}

/** Amazon ECS whose tasks may read every secret. */
export function simulatedEcs(): Simulated {
  return simulated((context) => {
    context.secretReader.provide({ canRead: () => ({ ok: true }) });
    return new Ecs(context);
  });
}

export function simulatedSecrets(): Simulated {
  return simulated((context) => new SecretsManager(context));
}

/** The Parameter Store of Systems Manager. */
export function simulatedParameters(): Simulated {
  return simulated((context) => new Ssm(context));
}

/** CloudWatch's alarms. */
export function simulatedAlarms(): Simulated {
  return simulated((context) => new CloudWatch(context));
}

/** EventBridge with one bus in the home region; `arrived` gives the events that were put on it, the oldest first. */
export function simulatedBus(busName: string): Simulated & { readonly arrived: () => readonly object[] } {
  const made = simulated((context) => new EventBridge(context));
  made.service.createBus(HOME_ACCOUNT, "us-east-1", busName);
  const arrived = () =>
    made.service
      .log()
      .map(({ event: { detail, resources, ...event } }) => ({ detailType: event["detail-type"], detail, resources }));
  return { ...made, arrived };
}

/**
 * Step Functions with one state machine, whose executions each wait for a task token. `tokenOf` gives the token that an
 * execution waits with.
 */
export function simulatedExecutions(
  stateMachineArn: string,
): Simulated & { readonly tokenOf: (executionName: string) => string } {
  const tokens = new Map<string, string>();
  const made = simulated((context) => new StepFunctions(context));
  made.context.functions.provide({
    invoke: async (_function, payload) => {
      const { name, token } = waitSchema.parse(payload);
      tokens.set(name, token);
      return null;
    },
    invokeAsync: () => undefined,
  });
  made.service.createStateMachine(stateMachineArn, waitingMachine);
  const tokenOf = (executionName: string) => {
    const token = tokens.get(executionName);
    if (token === undefined) throw new Error(`${executionName} waits for no token`);
    return token;
  };
  return { ...made, tokenOf };
}

const waitSchema = z.object({ name: z.string(), token: z.string() });
const waitingMachine: JsonObject = {
  QueryLanguage: "JSONata",
  StartAt: "Wait",
  States: {
    Wait: {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      Arguments: {
        FunctionName: "wait",
        Payload: { name: "{% $states.context.Execution.Name %}", token: "{% $states.context.Task.Token %}" },
      },
      End: true,
    },
  },
};

/** Slack with one channel; `webhookSecret` ends the address of the channel's webhook. */
export function simulatedSlack(
  startMs: number,
  given: { readonly token: string; readonly channel: string; readonly webhookSecret: string },
) {
  const clock = new VirtualClock(startMs);
  const simulator = new Simulator({ clock });
  const { token, channel, webhookSecret: secret } = given;
  const options = { token, webhook: { secret, channel }, channels: [channel] };
  const slack = simulator.add((context) => new Slack(context, options));
  return { clock, faults: simulator.faults, slack };
}

/** The Kubernetes API of the control plane `main`, and how the product connects to it. */
export function simulatedControlPlane(
  mesh: Pick<KubernetesOptions, "network" | "rootCaPem" | "eastWestHostname" | "istiodVersion">,
) {
  const clock = new VirtualClock(START_MS);
  const simulator = new Simulator({ clock });
  const kubeconfigToken = "kubeconfig-token";
  const options = { controlPlane: "main", kubeconfigToken, ...mesh };
  const kubernetes = simulator.add((context) => new Kubernetes(context, options));
  return {
    clock,
    faults: simulator.faults,
    kubernetes,
    connect: async () => ({ server: "http://lab/kubernetes/main", user: { bearerToken: async () => kubeconfigToken } }),
    fetch: inProcessFetch((request) => kubernetes.handle(request)),
  };
}
