import type { ServiceState } from "../../shared/model/service-state.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { Lab } from "../autopilot/lab.ts";

const EVENTS_SHOWN = 200;

/** Everything that the lab knows, for people and scripts: no secret's value and no task token. */
export async function labState(lab: Lab) {
  return {
    clock: { now: new Date(lab.clock.now()).toISOString() },
    ecs: lab.ecs.state(),
    secrets: lab.secrets.state(),
    eventBridge: {
      buses: lab.eventBridge.state(),
      /** The newest ones, the oldest of them first. */
      events: lab.eventBridge.log().slice(-EVENTS_SHOWN),
    },
    alarms: lab.cloudWatch.state(),
    executions: lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn }),
    rolls: lab.rolls(),
    ledger: await ledgerServices(lab.ledger),
    kubernetes: Object.fromEntries([...lab.controlPlanes].map(([name, plane]) => [name, plane.state()])),
    slack: lab.slack.messages(),
    deadLetters: lab.lambda.deadLetters,
    faults: lab.faults.list(),
    calls: lab.router.calls(),
  };
}

async function ledgerServices(ledger: Ledger): Promise<readonly ServiceState[]> {
  const states: ServiceState[] = [];
  for await (const state of ledger.listServices()) states.push(withoutTaskToken(state));
  return states.sort((a, b) => (a.serviceArn < b.serviceArn ? -1 : 1));
}

/** With the token, anybody could answer for the roll. */
function withoutTaskToken(state: ServiceState): ServiceState {
  if (!state.roll) return state;
  const { taskToken: _taskToken, ...roll } = state.roll;
  return { ...state, roll };
}
