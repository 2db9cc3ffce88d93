import {
  CloudWatch,
  Ecs,
  type EcsOptions,
  Eks,
  type EksCluster,
  EventBridge,
  Kubernetes,
  rootCaPem,
  SecretsManager,
  type Simulator,
  Slack,
  Ssm,
  StepFunctions,
  type StepFunctionsOptions,
  Sts,
} from "@ztunnel-autopilot/simulator";
import type { Place } from "../../shared/base/arn.ts";
import { hoursToMs } from "../../shared/base/durations.ts";
import { type Config, controlPlaneFor, targetsOf } from "../../shared/config/config.ts";

/** The Slack token of the lab: a scan of everything that is written looks for it. */
export const LAB_SLACK_TOKEN = "xoxb-lab-0123456789-secret";

export interface ServicesOptions {
  readonly config: Config;
  /** Where the lab can be reached, for the control planes' URLs. */
  readonly endpoint: string;
  readonly ecs: EcsOptions;
  /** How probable it is that an event comes twice. */
  readonly duplicateProbability: number;
  /** A ztunnel is healthy only with a certificate, which istiod gives by the task's role and the token's root. */
  readonly checksCertificates: boolean;
  /** Keep the log of events. */
  readonly keepRecords: boolean;
  readonly stepFunctions: StepFunctionsOptions;
}

/** What the product and its operators call, as services of a simulator. Their order says nothing. */
export interface Services {
  readonly ecs: Ecs;
  readonly secrets: SecretsManager;
  readonly eventBridge: EventBridge;
  readonly cloudWatch: CloudWatch;
  readonly stepFunctions: StepFunctions;
  readonly slack: Slack;
  readonly controlPlanes: ReadonlyMap<string, Kubernetes>;
}

/** Adds all services to a simulator. */
export function addServices(simulator: Simulator, options: ServicesOptions): Services {
  const { config, endpoint, duplicateProbability, keepRecords, checksCertificates } = options;
  simulator.add((context) => new Ssm(context));
  simulator.add((context) => new Sts(context));
  simulator.add(() => new Eks({ clusters: eksClusters(config, endpoint) }));
  return {
    ecs: simulator.add((context) => new Ecs(context, options.ecs)),
    secrets: simulator.add((context) => new SecretsManager(context)),
    eventBridge: simulator.add(
      (context) => new EventBridge(context, { duplicateProbability, ...(!keepRecords && { logLimit: 0 }) }),
    ),
    cloudWatch: simulator.add((context) => new CloudWatch(context)),
    stepFunctions: simulator.add((context) => new StepFunctions(context, options.stepFunctions)),
    slack: simulator.add((context) => new Slack(context, { token: LAB_SLACK_TOKEN })),
    controlPlanes: new Map(
      config.controlPlanes.map(({ name }) => [name, addControlPlane(simulator, config, name, checksCertificates)]),
    ),
  };
}

/** Adds the control plane of this name; its istiod discovers the tasks of the places that it serves. */
export function addControlPlane(
  simulator: Simulator,
  config: Config,
  name: string,
  checksCertificates = false,
): Kubernetes {
  return simulator.add(
    (context) =>
      new Kubernetes(context, {
        controlPlane: name,
        network: name,
        rootCaPem,
        eastWestHostname: `eastwest.${name}.example.com`,
        istiodVersion: "1.28.1-solo",
        checksCertificates,
        leafLifetimeMs: hoursToMs(config.policy.leafLifetimeHours),
        domainOf: (place) => domainOf(config, place),
        discovers: (place) => controlPlaneFor(config, place)?.name === name,
      }),
  );
}

/** The domain of the services' hostnames in a place. */
function domainOf(config: Config, { account, region }: Place): string {
  const target = targetsOf(config).find((one) => one.account === account && one.region === region);
  return target?.domain ?? "ecs.internal";
}

function eksClusters(config: Config, endpoint: string): readonly EksCluster[] {
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
