import { alarms, alarmTopic } from "./alarms.ts";
import { homeBus } from "./bus.ts";
import { type Context, context } from "./context.ts";
import { dashboard } from "./dashboard.ts";
import { deadLetters } from "./dead-letters.ts";
import { kubernetesPrincipals } from "./definitions/permissions.ts";
import { forwarding } from "./forwarding.ts";
import { deployedFunctions, liveAliases } from "./functions.ts";
import { imageParameter } from "./image-parameter.ts";
import { ledger } from "./ledger.ts";
import { homeRules } from "./rules.ts";
import { functionSchedules } from "./schedules.ts";
import { deployedStateMachines } from "./state-machines.ts";

/** The whole deployment of a stage. Returns what an operator needs to find it. */
export function autopilot() {
  const here = context();
  const topic = alarmTopic(here, here.deployment.home.region);
  const queues = deadLetters(here, topic);
  const bus = homeBus(here);
  const table = ledger(here);
  imageParameter(here);
  const functions = deployedFunctions(here, queues);
  const machines = deployedStateMachines(here, liveAliases(functions));
  homeRules(here, { bus, functions, queues });
  const owned = forwarding(here, { bus, queues, topic });
  functionSchedules(here, { functions, queues, owned });
  alarms(here, topic);
  dashboard(here);
  return {
    bus: bus.name,
    ledger: table.name,
    alarms: topic.arn,
    undeliveredEvents: queues.undeliveredEvents.url,
    failedInvocations: queues.failedInvocations.url,
    stateMachines: machines.map(({ arn }) => arn),
    kubernetesRoles: kubernetesRoles(here),
  };
}

/** The roles that each EKS cluster must have an access entry for. */
function kubernetesRoles({ deployment }: Context): Readonly<Record<string, readonly string[]>> {
  const principals = deployment.eksClusters.map(
    ({ account, cluster }) => [`${account}/${cluster}`, kubernetesPrincipals(deployment, account)] as const,
  );
  return Object.fromEntries(principals);
}
