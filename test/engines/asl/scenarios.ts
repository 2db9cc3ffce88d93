import type { Lab } from "../../../lab/autopilot/lab.ts";
import { demoFleet } from "../../../lab/fleet/demo.ts";
import type { LabDriver } from "../../../lab/story/lab-driver.ts";
import { BAD_IMAGE, cart, cartFleet, enrollAs, IMAGE, released, shop } from "../../scenario/support/fleets.ts";
import { onLab } from "../../scenario/support/on-lab.ts";
import { type FleetDriver, type FleetScenario, NEW_IMAGE, onFleet, QUICK } from "../../scenario/support/rollouts.ts";
import { type Change, definitionFor } from "./definitions.ts";
import { Recorder, type Recording } from "./recording.ts";

/** The executions of a story, and the definitions that they ran. */
export interface Recorded {
  readonly recordings: readonly Recording[];
  readonly definitionOf: (stateMachineArn: string, changes: readonly Change[]) => string;
}

/** A story on the lab whose executions are replayed. */
export interface Scenario {
  readonly name: string;
  /** Too long for a quick comparison. */
  readonly notInQuick: boolean;
  record(): Promise<Recorded>;
}

/** Runs of the state machines in the lab, each with what it shows. */
export const scenarios: readonly Scenario[] = [
  roll("enrolled", async (driver) => {
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  }),
  roll("reverted", async (driver) => {
    driver.lab.faults.add({ kind: "container-unhealthy", match: { service: "cart", container: "ztunnel" } });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
  }),
  roll("reverted, without an event", async (driver) => {
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
    driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
    driver.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS *", service: "cart" } });
    await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
    await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
  }),
  roll(
    "superseded",
    async (driver) => {
      const checkout = shop("checkout");
      const definition = await driver.definitionOf(checkout);
      await driver.tag(checkout, enrollAs("checkout"));
      await driver.until("rolling", 5, async () => (await driver.state(checkout))?.roll?.taskToken !== undefined);
      await driver.deploy(checkout, released(definition, "checkout", "shop/checkout:42"));
      await driver.until("checkout is enrolled", 15, () => driver.ended(checkout, "succeeded"));
    },
    demoFleet,
  ),
  roll("throttled", async (driver) => {
    throttleSteps(driver.lab, ["roll/plan", "roll/apply", "roll/verify", "roll/finish", "roll/await-deployment"], 3);
    driver.lab.faults.add({ kind: "throttle", match: { call: "ecs.UpdateService" }, count: 12 });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is enrolled", 60, () => driver.ended(cart, "succeeded"));
  }),
  roll("Apply fails for good", async (driver) => {
    driver.lab.faults.add({
      kind: "api-error",
      match: { call: "ecs.UpdateService" },
      error: "InvalidParameterException",
    });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("the roll has ended", 90, async () => {
      const rolls = driver.rollsOf(cart);
      return rolls.length > 0 && rolls.every(({ status }) => status !== "RUNNING");
    });
  }),
  roll("timed out", async (driver) => {
    driver.lab.faults.add({
      kind: "slow-call",
      match: { call: "ecs.RegisterTaskDefinition" },
      when: "after",
      delaySeconds: 130,
      count: 1,
    });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("cart is enrolled", 30, () => driver.ended(cart, "succeeded"));
  }),
  roll("not to be reverted", async (driver) => {
    driver.lab.faults.add({ kind: "container-unhealthy", match: { service: "cart", container: "ztunnel" } });
    const error = "AccessDeniedException";
    driver.lab.faults.add({ kind: "api-error", match: { call: "ecs.UpdateService" }, error, skip: 1 });
    await driver.tag(cart, enrollAs("cart"));
    await driver.until("the roll has failed", 90, () => driver.rollsOf(cart).some(({ status }) => status === "FAILED"));
  }),
  rollout(
    "three waves",
    { rollout: { canaryCount: 2, waves: [50, 100], bakeMinutes: 5 }, notInQuick: true },
    async (driver) => {
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
    },
  ),
  rollout("rolled back", { notInQuick: true }, async (driver) => {
    driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "us-west-2" } });
    await driver.requestUpgrade();
    await driver.untilStatus("rolled-back");
  }),
  rollout("paused and resumed", { services: 6, notInQuick: true }, async (driver) => {
    await driver.requestUpgrade();
    await driver.untilWave(0, "rolling");
    await driver.command("pause");
    await driver.untilStatus("paused");
    await driver.minutes(3 * 60);
    await driver.command("resume");
    await driver.untilStatus("completed");
  }),
  rollout("aborted", {}, async (driver) => {
    await driver.requestUpgrade();
    await driver.untilWave(1, "rolling");
    await driver.command("abort");
    await driver.untilStatus("aborted");
  }),
  rollout("throttled rollout", { services: 6 }, async (driver) => {
    throttleSteps(
      driver.lab,
      ["rollout/start", "rollout/next-wave", "rollout/take", "rollout/assess-wave", "rollout/finish"],
      2,
    );
    driver.lab.faults.add({
      kind: "api-error",
      match: { state: "Roll" },
      error: "StepFunctions.ThrottlingException",
      count: 3,
    });
    await driver.requestUpgrade();
    await driver.untilStatus("completed");
  }),
];

function roll(name: string, story: (driver: LabDriver) => Promise<void>, fleet = cartFleet): Scenario {
  return {
    name,
    notInQuick: false,
    record: () => {
      const recorder = new Recorder();
      return onLab({ fleet, onExecutionEvent: recorder.onEvent }, async (driver) => {
        await story(driver);
        await driver.minutes(2);
        return recorded(recorder, driver.lab);
      });
    },
  };
}

function rollout(
  name: string,
  fleet: Pick<FleetScenario, "services" | "rollout"> & { readonly notInQuick?: boolean },
  story: (driver: FleetDriver) => Promise<void>,
): Scenario {
  const { notInQuick = false, ...options } = fleet;
  return {
    name,
    notInQuick,
    record: () => {
      const recorder = new Recorder();
      return onFleet({ rollout: QUICK, ...options, onExecutionEvent: recorder.onEvent }, async (driver) => {
        await story(driver);
        await driver.minutes(20);
        return recorded(recorder, driver.lab);
      });
    },
  };
}

function recorded(recorder: Recorder, lab: Lab): Recorded {
  return {
    recordings: recorder.recordings(lab),
    definitionOf: (arn, changes) => definitionFor(lab, arn, changes),
  };
}

/** Lambda has no room for the next invocations of each of these functions. */
function throttleSteps(lab: Lab, functionNames: readonly string[], count: number): void {
  for (const name of functionNames) {
    const error = "Lambda.TooManyRequestsException";
    lab.faults.add({ kind: "lambda-service-error", match: { function: name }, error, when: "before", count });
  }
}
