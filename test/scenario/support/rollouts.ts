import { nextRootCaPem, rootCaPem, VirtualClock } from "@ztunnel-autopilot/simulator";
import { enrolledFleet, enrolledFleetConfig } from "../../../lab/autopilot/enrolled-fleet.ts";
import { Lab, type LabOptions } from "../../../lab/autopilot/lab.ts";
import { type LedgerItems, memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { LabDriver, type ServiceName } from "../../../lab/story/lab-driver.ts";
import { serviceRef } from "../../../shared/base/arn.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import { textAt } from "../../../shared/base/json-fields.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { Inject } from "../../../shared/data-plane/ztunnel/index.ts";
import { settingsHash } from "../../../shared/enrollment/settings-hash.ts";
import type { Rollout, RolloutService } from "../../../shared/model/rollout.ts";
import { containersOf, nameOf } from "../../../shared/model/task-definition.ts";
import { START_MS } from "./on-lab.ts";

export const OLD_IMAGE = "example.com/ztunnel:1.28.1";
export const NEW_IMAGE = "example.com/ztunnel:1.28.2";
export const oldRoot = rootCaPem;
export const bothRoots = `${rootCaPem}${nextRootCaPem}`;
export const newRoot = nextRootCaPem;

export interface FleetScenario {
  readonly services?: number;
  readonly desiredCount?: number;
  readonly regions?: readonly [string, ...string[]];
  /** Members of `policy.rollout`. */
  readonly rollout?: JsonObject;
  readonly ztunnel?: Partial<Config["ztunnel"]>;
  readonly identityRole?: Config["identityRole"];
  readonly seed?: number;
  /** Calls take time, so that what happens at the same time interleaves. Default false. */
  readonly latency?: boolean;
  /** Run the schedules. Tests that last for weeks go without them. Default true. */
  readonly schedules?: boolean;
  /** Receives every call of every function, such as `ecs.UpdateService` and `roll/apply`. */
  readonly onFunctionCall?: LabOptions["onFunctionCall"];
  /** The ledger's items, for a test that changes them as another version does. Default: unseen. */
  readonly items?: LedgerItems;
  /** Receives every event of every execution. */
  readonly onExecutionEvent?: LabOptions["onExecutionEvent"];
  /** An earlier release that has enrolled the fleet and recorded these settings. The current release replaces it. */
  readonly earlier?: { readonly build: Inject; readonly settings?: string };
}

/** A policy of quick rollouts: a canary of two, one wave per region, and no bake. */
export const QUICK = { canaryCount: 2, waves: [100], bakeMinutes: 0 } as const;

/** Drives a lab with an enrolled fleet in 3 regions and 2 accounts, and its rollouts. */
export class FleetDriver extends LabDriver {
  readonly arns: readonly string[];

  constructor(lab: Lab, arns: readonly string[]) {
    super(lab);
    this.arns = arns;
  }

  get home() {
    return { account: this.lab.config.homeAccount, region: this.lab.config.homeRegion };
  }

  /**
   * Requests an upgrade, with changes to the request, and waits until its event is handled. Returns the rollout's id.
   */
  async requestUpgrade(detail: JsonObject = {}): Promise<string> {
    const request = { rolloutId: "upgrade-one", kind: "upgrade", image: NEW_IMAGE, requestedBy: "ann", ...detail };
    await this.request(request);
    await this.lab.clock.sleep(5000);
    return request.rolloutId;
  }

  /** Takes an operator's action on a rollout, and waits until its event is handled. */
  async command(action: string, rolloutId = "upgrade-one"): Promise<void> {
    await this.control({ rolloutId, action, requestedBy: "ann" });
    await this.lab.clock.sleep(5000);
  }

  async rollout(id = "upgrade-one"): Promise<Rollout> {
    const found = await this.lab.ledger.getRollout(id);
    if (!found) throw new Error(`there is no rollout ${id}`);
    return found;
  }

  async rollouts(): Promise<readonly Rollout[]> {
    const all = await Array.fromAsync(this.lab.ledger.listRollouts());
    return all.sort((a, b) => a.requestedAt.localeCompare(b.requestedAt));
  }

  services(id = "upgrade-one"): Promise<readonly RolloutService[]> {
    return Array.fromAsync(this.lab.ledger.listRolloutServices(id));
  }

  /** The number of the rollout's services by status. */
  async counts(id = "upgrade-one"): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const { status } of await this.services(id)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** Waits until the rollout has the status. */
  async untilStatus(status: Rollout["status"], id = "upgrade-one", withinMinutes = 240): Promise<Rollout> {
    await this.until(
      `${id} is ${status}`,
      withinMinutes,
      async () => (await this.lab.ledger.getRollout(id))?.status === status,
    );
    return this.rollout(id);
  }

  /** Waits until the wave has the state. */
  async untilWave(index: number, state: string, id = "upgrade-one"): Promise<void> {
    const at = async () => (await this.rollout(id)).waves[index]?.state;
    await this.until(`wave ${index} is ${state}`, 240, async () => (await at()) === state);
  }

  /** The details of the autopilot's events of this type, the oldest first. */
  events(detailType: string): readonly JsonObject[] {
    return this.lab.eventBridge
      .log()
      .filter(({ event }) => event.source === "ztunnel-autopilot" && event["detail-type"] === detailType)
      .map(({ event }) => event.detail);
  }

  /** The ARN of the revision that a service runs. */
  runningRevision(arn: string): string {
    return this.lab.ecs.findService(arn)?.deployments.find(({ status }) => status === "PRIMARY")?.revision.arn ?? "";
  }

  revisions(): ReadonlyMap<string, string> {
    return new Map(this.arns.map((arn) => [arn, this.runningRevision(arn)]));
  }

  /** The services' ztunnel images, in the services' order. `none` if a service is not in the mesh. */
  images(): readonly string[] {
    return this.arns.map((arn) => {
      const primary = this.lab.ecs.findService(arn)?.deployments.find(({ status }) => status === "PRIMARY");
      const definitions = primary?.revision.spec.containerDefinitions ?? [];
      return definitions.find(({ name }) => name === "ztunnel")?.image ?? "none";
    });
  }

  setRootCa(pem: string): void {
    for (const plane of this.lab.controlPlanes.values()) plane.setRootCa(pem);
  }

  /** Has every istiod sign with this root from now on. The published bundles stay. */
  signWith(rootPem: string): void {
    for (const plane of this.lab.controlPlanes.values()) plane.signWith(rootPem);
  }

  /** How many tasks hold a certificate that this root has signed. */
  heldFrom(rootPem: string): number {
    return [...this.lab.controlPlanes.values()].reduce((sum, plane) => sum + plane.heldFrom(rootPem), 0);
  }

  async alarm(name: string, state: "ALARM" | "OK", at = this.home): Promise<void> {
    const target = "GraniteServiceVersion20100801";
    const alarm = { AlarmName: name, EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold" };
    await this.lab.call(at, "PutMetricAlarm", { ...alarm, Threshold: 1 }, target);
    const change = { AlarmName: name, StateValue: state, StateReason: "too many errors" };
    await this.lab.call(at, "SetAlarmState", change, target);
  }

  async putParameter(name: string, value: string): Promise<void> {
    const input = { Name: name, Value: value, Type: "String", Overwrite: true };
    await this.lab.call(this.home, "PutParameter", input, "AmazonSSM");
  }

  serviceOf(arn: string): ServiceName {
    const { account, region, clusterName, serviceName } = serviceRef(arn);
    return { account, region, cluster: clusterName, name: serviceName };
  }

  /** The ARNs of the services in a region. */
  arnsIn(region: string): readonly string[] {
    return this.arns.filter((arn) => serviceRef(arn).region === region);
  }

  /** What rolls and rollouts have left: leases, tokens, running executions, dead letters, a queue. Should be empty. */
  async leftovers(): Promise<readonly string[]> {
    const left: string[] = this.lab.lambda.deadLetters.map(({ functionName }) => `dead letter of ${functionName}`);
    for await (const { serviceArn, roll } of this.lab.ledger.listServices()) {
      if (roll) left.push(`lease of ${serviceArn}`);
    }
    for (const stateMachineArn of [this.lab.rollServiceArn, this.lab.rollFleetArn]) {
      const open = this.lab.stepFunctions.listExecutions({ stateMachineArn, statusFilter: "RUNNING" });
      left.push(...open.map(({ name }) => `execution ${name}`));
    }
    for (const { id, holdToken, status } of await this.rollouts()) {
      if (holdToken !== undefined) left.push(`token of ${id}, which is ${status}`);
    }
    const { currentRolloutId: running, queuedRolloutIds: waiting } = await this.lab.ledger.getFleet();
    if (running !== undefined) left.push(`${running} is running`);
    return [...left, ...waiting];
  }

  /** The image of a container in the service's task definition. */
  async definitionImage(arn: string, container: string): Promise<string | undefined> {
    const found = containersOf(await this.definitionOf(this.serviceOf(arn))).find((one) => nameOf(one) === container);
    return found && textAt(found, "image");
  }
}

/**
 * Runs a test on an enrolled fleet, in virtual time. When it fails, the lab's report is added to the error's message.
 */
export async function onFleet<T>(scenario: FleetScenario, test: (driver: FleetDriver) => Promise<T>): Promise<T> {
  const {
    services = 12,
    desiredCount = 1,
    seed,
    latency = false,
    schedules = true,
    onFunctionCall,
    onExecutionEvent,
    earlier,
  } = scenario;
  const { regions = ["us-east-1", "us-west-2", "eu-west-1"] } = scenario;
  const base = enrolledFleetConfig(regions, { rollout: scenario.rollout ?? QUICK, leafLifetimeHours: 1 });
  const { identityRole = base.identityRole } = scenario;
  const config = { ...base, identityRole, ztunnel: { ...base.ztunnel, ...scenario.ztunnel } };
  const clock = new VirtualClock(START_MS);
  const lab = new Lab({
    clock,
    config,
    schedules,
    latency,
    ...(onFunctionCall && { onFunctionCall }),
    ...(onExecutionEvent && { onExecutionEvent }),
    ...(seed !== undefined && { seed }),
    ...(scenario.items && { ledger: memoryLedger(scenario.items) }),
  });
  const run = async () => {
    await lab.prepare();
    if (earlier) {
      const { settings = settingsHash(config, earlier.build) } = earlier;
      await lab.ledger.changeFleet(({ requestedFor, ...fleet }) => {
        return { next: { ...fleet, settings, requestedFor: { ...requestedFor, settings } } };
      });
    }
    const build = earlier?.build;
    const arns = await enrolledFleet(lab, { services, servicesPerIdentity: 2, desiredCount, ...(build && { build }) });
    // The first invocation records the fleet's image, settings and facts.
    await lab.lambda.invoke("rollout/request", {});
    return test(new FleetDriver(lab, arns));
  };
  try {
    return await clock.run(run());
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n\n${await labReport(lab)}`;
    throw error;
  }
}

async function labReport(lab: Lab): Promise<string> {
  const lines = [`Lab time: ${new Date(lab.clock.now()).toISOString()}`];
  for await (const {
    id,
    status,
    reason,
    waves,
    failedOrdinals: failed,
    stuckOrdinals: stuck,
  } of lab.ledger.listRollouts()) {
    lines.push(`${id}: ${status} ${JSON.stringify(reason ?? "")} failed ${failed} stuck ${stuck}`);
    lines.push(`  ${waves.map(({ name, state }) => `${name}: ${state}`).join(", ")}`);
    for await (const one of lab.ledger.listRolloutServices(id)) {
      lines.push(
        `  ${one.ordinal} ${one.serviceArn.split("/").at(-1)} ${one.status} ${one.reason ?? ""} ${one.tryCount}`,
      );
    }
  }
  for (const { name, status, error, cause } of lab.stepFunctions.listExecutions({
    stateMachineArn: lab.rollFleetArn,
  })) {
    lines.push(`${name}: ${status} ${error ?? ""} ${cause?.slice(0, 300) ?? ""}`);
  }
  const problems = lab.logs.filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line));
  lines.push(...problems.slice(-10).map(({ line }) => line.slice(0, 500)));
  for (const { functionName, message } of lab.lambda.deadLetters.slice(-5)) lines.push(`${functionName}: ${message}`);
  return lines.join("\n");
}
