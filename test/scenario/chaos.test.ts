import { seededRandom } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, ENROLL, enrollAs, released, webDefinition } from "./support/fleets.ts";
import { containerOf, expectAtRest, expectMeshed, outcomesOf, revisionsOf, tagsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const CHAOS_MINUTES = 40;

/** Fault rules that may be active at any time, for a few minutes. */
const faultRules = [
  { kind: "lambda-crash", match: { function: "roll/*" }, skip: 3, count: 2 },
  { kind: "lambda-crash", match: { function: "roll/*" }, skip: 9, count: 1, when: "after" },
  { kind: "lambda-crash", match: { function: "signal-deployment" }, count: 2 },
  { kind: "lambda-crash", match: { function: "reconcile-service" }, count: 2, when: "after" },
  { kind: "throttle", match: { call: "ecs.*" } },
  { kind: "api-error", match: { call: "ecs.UpdateService" } },
  { kind: "api-error", match: { call: "ecs.Describe*" } },
  { kind: "api-error", match: { call: "secretsmanager.*" } },
  { kind: "api-error", match: { call: "states.*" } },
  { kind: "api-error", match: { call: "events.PutEvents" } },
  { kind: "lose-event", match: { account: cart.account } },
  { kind: "duplicate-event", match: { account: cart.account } },
  { kind: "delay-event", match: { account: cart.account }, delaySeconds: 100 },
  { kind: "kubernetes-down" },
  { kind: "no-workload-entry" },
  { kind: "container-unhealthy", match: { service: "cart", container: "ztunnel" }, count: 3 },
  { kind: "secret-denied", match: { service: "cart" }, count: 2 },
  { kind: "slack-down" },
];

interface DesiredService {
  readonly enrolled: boolean;
  readonly image: string;
}

/**
 * Tags, untags and deploys the service while random faults are active. Returns what the service should be in the end.
 */
async function chaos(driver: LabDriver, seed: number): Promise<DesiredService> {
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  let wanted: DesiredService = { enrolled: true, image: "shop/cart:1" };
  await operator(driver, () => driver.tag(cart, enrollAs("cart")));
  for (let minute = 0; minute < CHAOS_MINUTES; minute += 1) {
    if (random() < 0.25) {
      const untilMs = driver.lab.clock.now() + (1 + pick(6)) * 60_000;
      const rule = faultRules[pick(faultRules.length)];
      if (rule) driver.lab.faults.replace([...driver.lab.faults.list().map(withoutCounts), { ...rule, untilMs }]);
    }
    if (random() < 0.1) {
      const image = `shop/cart:${minute + 2}`;
      if (await operator(driver, () => driver.deploy(cart, released(webDefinition("cart"), "app", image)))) {
        wanted = { ...wanted, image };
      }
    }
    if (random() < 0.1) {
      const enrolled = !wanted.enrolled;
      const change = () => (enrolled ? driver.tag(cart, { [ENROLL]: "true" }) : driver.untag(cart, ENROLL));
      if (await operator(driver, change)) wanted = { ...wanted, enrolled };
    }
    await driver.lab.clock.sleep(50_000 + pick(20_000));
  }
  driver.lab.faults.replace([]);
  return wanted;
}

/** Takes an operator's action. Returns false when a fault rule made it fail, so that it had no effect. */
async function operator(driver: LabDriver, act: () => Promise<unknown>): Promise<boolean> {
  const before = await driver.lab.clock.now();
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof Error && /fault rule/.test(error.message)) return before < 0;
    throw error;
  }
}

const withoutCounts = ({ struck, count, ...rule }: ReturnType<LabDriver["lab"]["faults"]["list"]>[number]) =>
  count === undefined ? rule : { ...rule, count: Math.max(1, count - struck) };

describe("random faults during tag changes and deployments", () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))("seed %i: the service converges once they end", (seed) =>
    onLab({ fleet: cartFleet, seed, policy: { attemptDelaysMinutes: [15, 30] } }, async (driver) => {
      const wanted = await chaos(driver, seed);
      await driver.minutes(120);
      // A failed roll reverts to the last completed deployment, which may be older than the last release.
      const reverted = outcomesOf(driver, cart).includes("reverted");
      if (!reverted) expect(await containerOf(driver, cart, "app")).toMatchObject({ image: wanted.image });
      await expectAtRest(driver, cart);
      if (wanted.enrolled) await expectMeshed(driver, cart);
      else {
        expect(await driver.containersOf(cart)).toEqual(["app"]);
        expect(tagsOf(driver, cart)).not.toHaveProperty(ENROLL);
        expect((await driver.state(cart))?.enrolled ?? false).toBe(false);
      }
      // At most two per release: the pipeline's revision and the one with the sidecar.
      const revisions = await revisionsOf(driver, cart, "cart");
      expect(revisions.length).toBeLessThanOrEqual(60);
    }),
  );
});
