import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { Lab } from "../lab/autopilot/lab.ts";
import { type Fleet, fleetSchema } from "../lab/fleet/fleet.ts";
import type { RollRecord } from "../lab/lambda/rolls.ts";
import { arnOf, expectThat, LabDriver, type ServiceName } from "../lab/story/lab-driver.ts";
import type { JsonObject } from "../shared/base/json.ts";
import {
  awsDetailTypes,
  DEFAULT_ENROLL_TAG,
  deploymentEventNames,
  eventSources,
  tagKeys,
} from "../shared/base/vocabulary.ts";
import { parseConfig } from "../shared/config/config.ts";

/** The calls of one scenario, counted by function and call. */
export interface Measured {
  readonly scenario: string;
  readonly roll: RollRecord | undefined;
  readonly byFunction: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

const HOME = { account: "123456789012", region: "us-east-1" } as const;
const CLUSTER = "bench";
const ENROLL = { [DEFAULT_ENROLL_TAG]: "true" };
const IMAGE = tagKeys.image;
const NEWER_IMAGE = "example.com/ztunnel:1.28.2";
const BAD_IMAGE = "example.com/ztunnel:1.28.3-bad";

const config = parseConfig({
  homeRegion: HOME.region,
  homeAccount: HOME.account,
  accounts: [{ role: `arn:aws:iam::${HOME.account}:role/istiod-role`, domain: "ecs.internal", regions: [HOME.region] }],
  controlPlanes: [
    {
      name: "mesh",
      eks: { cluster: "mesh", ...HOME },
      serves: [{ account: HOME.account, regions: [HOME.region] }],
    },
  ],
  ztunnel: { image: "example.com/ztunnel:1.28.1" },
  allowedNamespaces: ["*"],
  slack: { secretName: "slack", channel: "#mesh-ops" },
});

/** The task definition of a service. Services that share a workload identity share its role. */
function definition(name: string, identity: string): JsonObject {
  return {
    family: name,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "512",
    memory: "1024",
    taskRoleArn: `arn:aws:iam::${HOME.account}:role/${identity}-task`,
    executionRoleArn: `arn:aws:iam::${HOME.account}:role/${identity}-execution`,
    containerDefinitions: [
      { name: "web", image: `shop/${name}:1`, essential: true, portMappings: [{ containerPort: 8080 }] },
    ],
  };
}

const identityTags = (identity: string) => ({
  [tagKeys.namespace]: "istio-system",
  [tagKeys.serviceAccount]: identity,
});

/** Every scenario runs with the first service to warm the caches, then is measured with the second. */
const runs = ["a", "b"] as const;
type RunName = (typeof runs)[number];
const named = (name: string): ServiceName => ({ ...HOME, cluster: CLUSTER, name });
const firstOf = (run: RunName) => named(`first-${run}`);
const webOf = (run: RunName) => named(`web-${run}`);
const plainOf = (run: RunName) => named(`plain-${run}`);

const service = (name: string, identity: string): Fleet["services"][number] =>
  fleetSchema.shape.services.element.parse({
    ...HOME,
    cluster: CLUSTER,
    name,
    taskDefinition: definition(name, identity),
    desiredCount: 2,
  });

const fleet: Fleet = fleetSchema.parse({
  clusters: [{ ...HOME, name: CLUSTER }],
  services: runs.flatMap((run) => [
    service(`first-${run}`, `team-${run}`),
    service(`web-${run}`, `team-${run}`),
    service(`plain-${run}`, `plain-${run}`),
  ]),
});

/** Runs every kind of roll and of event in a lab in virtual time, and counts their calls. */
export class BenchLab {
  readonly #lab: Lab;
  readonly #driver: LabDriver;
  readonly #progress: (line: string) => void;
  readonly #rolls: Measured[] = [];
  readonly #events: Measured[] = [];
  #counts = new Map<string, Map<string, number>>();

  private constructor(clock: VirtualClock, latency: boolean, progress: (line: string) => void) {
    this.#progress = progress;
    this.#lab = new Lab({
      clock,
      config,
      // A sweep would add its own calls.
      schedules: false,
      latency,
      onFunctionCall: (call, functionName) => this.#count(call, functionName),
    });
    this.#driver = new LabDriver(this.#lab);
  }

  /** Runs and counts everything. Throws when a scenario doesn't end as expected. */
  static async measure(
    progress: (line: string) => void,
    { latency }: { readonly latency: boolean },
  ): Promise<{ readonly rolls: readonly Measured[]; readonly events: readonly Measured[] }> {
    const clock = new VirtualClock(Date.parse("2026-01-05T12:00:00Z"));
    const bench = new BenchLab(clock, latency, progress);
    await clock.run(bench.#measure());
    return { rolls: bench.#rolls, events: bench.#events };
  }

  async #measure(): Promise<void> {
    const driver = this.#driver;
    await this.#lab.prepare(fleet);
    await driver.minutes(3);
    await this.#roll("first enroll of an identity", "succeeded", firstOf, (one, run) =>
      driver.tag(one, { ...ENROLL, ...identityTags(`team-${run}`) }),
    );
    await this.#roll("enroll, secret version exists", "succeeded", webOf, (one, run) =>
      driver.tag(one, { ...ENROLL, ...identityTags(`team-${run}`) }),
    );
    await this.#event("an enrolled service, nothing to change", webOf);
    await this.#event("a service that is not enrolled", plainOf);
    await this.#roll("update to another image", "succeeded", webOf, (one) => driver.tag(one, { [IMAGE]: NEWER_IMAGE }));
    await this.#roll("re-inject after a CI deployment", "succeeded", webOf, async (one, run) => {
      await driver.deploy(one, definition(one.name, `team-${run}`));
    });
    this.#lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
    await this.#roll("reverted", "reverted", webOf, (one) => driver.tag(one, { [IMAGE]: BAD_IMAGE }));
    await this.#settle(webOf, (one) => driver.tag(one, { [IMAGE]: NEWER_IMAGE }));
    await this.#roll("unenroll", "succeeded", webOf, (one) => driver.untag(one, DEFAULT_ENROLL_TAG));
    await this.#eventDuringRoll("a service in the middle of a roll");
  }

  async #roll(
    scenario: string,
    outcome: string,
    serviceOf: (run: RunName) => ServiceName,
    cause: (service: ServiceName, run: RunName) => Promise<void>,
  ): Promise<void> {
    this.#progress(scenario);
    for (const run of runs) {
      const one = serviceOf(run);
      const before = this.#driver.rollsOf(one).length;
      this.#counts = new Map();
      await cause(one, run);
      const hasEnded = () => {
        const rolls = this.#driver.rollsOf(one);
        return rolls.length > before && rolls.every(({ status }) => status !== "RUNNING");
      };
      await this.#driver.until(`${scenario}: all rolls have ended`, 60, hasEnded);
      await this.#driver.minutes(2);
      const [roll, ...more] = this.#driver.rollsOf(one).slice(before);
      expectThat(roll?.outcome === outcome, `${scenario}: ${roll?.outcome} instead of ${outcome}`);
      expectThat(more.length === 0, `${scenario}: ${more.length} more rolls than expected`);
      if (run === "b") this.#rolls.push({ scenario, roll, byFunction: this.#counts });
    }
  }

  /** Makes a change that starts no roll, between two measured scenarios. */
  async #settle(
    serviceOf: (run: RunName) => ServiceName,
    cause: (service: ServiceName) => Promise<void>,
  ): Promise<void> {
    for (const run of runs) await cause(serviceOf(run));
    await this.#driver.minutes(2);
  }

  async #event(scenario: string, serviceOf: (run: RunName) => ServiceName): Promise<void> {
    this.#progress(scenario);
    await this.#reconcile(serviceOf("b"));
    const byFunction = await this.#reconcile(serviceOf("b"));
    this.#events.push({ scenario, roll: undefined, byFunction });
  }

  async #eventDuringRoll(scenario: string): Promise<void> {
    this.#progress(scenario);
    const one = webOf("b");
    this.#counts = new Map();
    await this.#driver.tag(one, ENROLL);
    const isWaiting = async () => (await this.#driver.state(one))?.roll?.taskToken !== undefined;
    await this.#driver.until("a roll waits for its deployment", 5, isWaiting);
    this.#events.push({ scenario, roll: undefined, byFunction: await this.#reconcile(one) });
  }

  /** Invokes reconcile-service with an event of the service, as EventBridge does. */
  async #reconcile(one: ServiceName): Promise<Measured["byFunction"]> {
    this.#counts = new Map();
    await this.#lab.lambda.invoke("reconcile-service", {
      source: eventSources.ecs,
      "detail-type": awsDetailTypes.deployment,
      account: one.account,
      region: one.region,
      resources: [arnOf(one)],
      detail: {
        eventType: "INFO",
        eventName: deploymentEventNames.completed,
        deploymentId: "ecs-svc/1234567890123456789",
        reason: "ECS deployment ecs-svc/1234567890123456789 completed.",
      },
    });
    return this.#counts;
  }

  #count(call: string, functionName: string): void {
    const calls = this.#counts.get(functionName) ?? new Map<string, number>();
    calls.set(call, (calls.get(call) ?? 0) + 1);
    this.#counts.set(functionName, calls);
  }
}
