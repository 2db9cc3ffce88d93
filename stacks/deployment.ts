import { type Config, targetsOf } from "../shared/config/config.ts";
import { type AutopilotDeployment, alarmName } from "./definitions/deployment.ts";
import type { EventPatternOptions } from "./definitions/event-patterns.ts";
import { heartbeatsOf } from "./definitions/heartbeat.ts";

/** What a stage's deployment follows from, out of the configuration; without a stage, what the lab does. */
export function deploymentOf(config: Config, stage: string | undefined): AutopilotDeployment {
  const home = { account: config.homeAccount, region: config.homeRegion };
  const eks = config.controlPlanes.flatMap((plane) => plane.eks ?? []);
  return {
    name: config.name,
    stage,
    home,
    targets: targetsOf(config),
    memberRoleName: config.memberRoleName,
    operatorRoles: [...new Set(config.operatorRoles)].sort(),
    enrollTagKey: config.enrollTagKey,
    secretPrefix: config.keys.prefix,
    passRoles: config.passRoles,
    slackSecret: config.slack.secretName,
    kubeconfigSecrets: config.controlPlanes.flatMap(({ kubeconfigSecret }) => kubeconfigSecret ?? []),
    controlPlanes: config.controlPlanes.map((plane) => plane.name),
    eksClusters: eks,
    imageParameter: config.ztunnel.imageParameter,
    alarms: config.policy.rollout.alarms.map(({ account, region }) => ({
      account: account ?? home.account,
      region: region ?? home.region,
    })),
  };
}

/** What the event patterns of a stage follow from. */
export function patternOptionsOf(config: Config, stage: string | undefined): EventPatternOptions {
  const { imageParameter } = config.ztunnel;
  const { enrollTagKey, keys, homeAccount, rootCaSecret } = config;
  return {
    homeAccount,
    enrollTagKey,
    tagPrefix: keys.prefix,
    alarmNamePrefix: alarmName({ name: config.name, stage }, ""),
    heartbeats: heartbeatsOf(deploymentOf(config, stage)),
    ...(imageParameter && { imageParameterName: imageParameter }),
    ...(rootCaSecret && { rootCaSecret }),
  };
}
