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

/** One situation: what it cost, by function and call. */
export interface Measured {
  readonly attemptKey: string;
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
  slack: { secretName: "slack", channel: "#mesh-ops" },
});

/** Services that share a workload identity share its role. */
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

/** Every situation is played with the first service, then measured with the second. */
const twice = ["a", "b"] as const;
type Nth = (typeof twice)[number];
const named = (name: string): ServiceName => ({ ...HOME, cluster: CLUSTER, name });
const firstOf = (nth: Nth) => named(`first-${nth}`);
const webOf = (nth: Nth) => named(`web-${nth}`);
const plainOf = (nth: Nth) => named(`plain-${nth}`);

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
  services: twice.flatMap((nth) => [
    service(`first-${nth}`, `team-${nth}`),
    service(`web-${nth}`, `team-${nth}`),
    service(`plain-${nth}`, `plain-${nth}`),
  ]),
});

/** Plays every kind of roll and of event in a lab in virtual time, and counts what they call. */
export class BenchLab {
  readonly #lab: Lab;
  readonly #stage: LabDriver;
  readonly #progress: (line: string) => void;
  readonly #rolls: Measured[] = [];
  readonly #events: Measured[] = [];
  #counts = new Map<string, Map<string, number>>();

  private constructor(clock: VirtualClock, progress: (line: string) => void) {
    this.#progress = progress;
    this.#lab = new Lab({
      clock,
      config,
      // The sweep would come between.
      schedules: false,
      onFunctionCall: (call, functionName) => this.#count(call, functionName),
    });
    this.#stage = new LabDriver(this.#lab);
  }

  /** Throws when a situation does not come out as it should. */
  static async play(
    progress: (line: string) => void,
  ): Promise<{ readonly rolls: readonly Measured[]; readonly events: readonly Measured[] }> {
    const clock = new VirtualClock(Date.parse("2026-01-05T12:00:00Z"));
    const bench = new BenchLab(clock, progress);
    await clock.run(bench.#play());
    return { rolls: bench.#rolls, events: bench.#events };
  }

  async #play(): Promise<void> {
    const stage = this.#stage;
    await this.#lab.prepare(fleet);
    await stage.minutes(3);
    await this.#roll("first enroll of an identity", "succeeded", firstOf, (one, nth) =>
      stage.tag(one, { ...ENROLL, ...identityTags(`team-${nth}`) }),
    );
    await this.#roll("enroll, secret version exists", "succeeded", webOf, (one, nth) =>
      stage.tag(one, { ...ENROLL, ...identityTags(`team-${nth}`) }),
    );
    await this.#event("an enrolled service, nothing to change", webOf);
    await this.#event("a service that is not enrolled", plainOf);
    await this.#roll("update to another image", "succeeded", webOf, (one) => stage.tag(one, { [IMAGE]: NEWER_IMAGE }));
    await this.#roll("re-inject after a CI deployment", "succeeded", webOf, async (one, nth) => {
      await stage.deploy(one, definition(one.name, `team-${nth}`));
    });
    this.#lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
    await this.#roll("reverted", "reverted", webOf, (one) => stage.tag(one, { [IMAGE]: BAD_IMAGE }));
    await this.#settle(webOf, (one) => stage.tag(one, { [IMAGE]: NEWER_IMAGE }));
    await this.#roll("unenroll", "succeeded", webOf, (one) => stage.untag(one, DEFAULT_ENROLL_TAG));
    await this.#eventDuringRoll("a service in the middle of a roll");
  }

  async #roll(
    attemptKey: string,
    outcome: string,
    serviceOf: (nth: Nth) => ServiceName,
    cause: (service: ServiceName, nth: Nth) => Promise<void>,
  ): Promise<void> {
    this.#progress(attemptKey);
    for (const nth of twice) {
      const one = serviceOf(nth);
      const before = this.#stage.rollsOf(one).length;
      this.#counts = new Map();
      await cause(one, nth);
      const hasEnded = () => {
        const rolls = this.#stage.rollsOf(one);
        return rolls.length > before && rolls.every(({ status }) => status !== "RUNNING");
      };
      await this.#stage.until(`${attemptKey}: over`, 60, hasEnded);
      await this.#stage.minutes(2);
      const [roll, ...more] = this.#stage.rollsOf(one).slice(before);
      expectThat(roll?.outcome === outcome, `${attemptKey}: ${roll?.outcome} instead of ${outcome}`);
      expectThat(more.length === 0, `${attemptKey}: ${more.length} rolls more than one`);
      if (nth === "b") this.#rolls.push({ attemptKey, roll, byFunction: this.#counts });
    }
  }

  /** Something that starts no roll, between two that are measured. */
  async #settle(serviceOf: (nth: Nth) => ServiceName, cause: (service: ServiceName) => Promise<void>): Promise<void> {
    for (const nth of twice) await cause(serviceOf(nth));
    await this.#stage.minutes(2);
  }

  async #event(attemptKey: string, serviceOf: (nth: Nth) => ServiceName): Promise<void> {
    this.#progress(attemptKey);
    await this.#look(serviceOf("b"));
    const byFunction = await this.#look(serviceOf("b"));
    this.#events.push({ attemptKey, roll: undefined, byFunction });
  }

  async #eventDuringRoll(attemptKey: string): Promise<void> {
    this.#progress(attemptKey);
    const one = webOf("b");
    this.#counts = new Map();
    await this.#stage.tag(one, ENROLL);
    const isWaiting = async () => (await this.#stage.state(one))?.roll?.taskToken !== undefined;
    await this.#stage.until("a roll waits for its deployment", 5, isWaiting);
    this.#events.push({ attemptKey, roll: undefined, byFunction: await this.#look(one) });
  }

  /** Invokes reconcile-service with an event of the service, as EventBridge does. */
  async #look(one: ServiceName): Promise<Measured["byFunction"]> {
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
