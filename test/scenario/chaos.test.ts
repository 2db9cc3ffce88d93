import { seededRandom } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, ENROLL, enrollAs, released, webDefinition } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { containerOf, expectAtRest, expectMeshed, outcomesOf, revisionsOf, tagsOf } from "./support/witness.ts";

const CHAOS_MINUTES = 40;

/** What may go wrong at any time, for a few minutes. */
const troubles = [
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

interface Wanted {
  readonly enrolled: boolean;
  readonly image: string;
}

/** People and pipelines at work while things go wrong. Returns what they want in the end. */
async function chaos(stage: LabDriver, seed: number): Promise<Wanted> {
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  let wanted: Wanted = { enrolled: true, image: "shop/cart:1" };
  await operator(stage, () => stage.tag(cart, enrollAs("cart")));
  for (let minute = 0; minute < CHAOS_MINUTES; minute += 1) {
    if (random() < 0.25) {
      const untilMs = stage.lab.clock.now() + (1 + pick(6)) * 60_000;
      const trouble = troubles[pick(troubles.length)];
      if (trouble) stage.lab.faults.replace([...stage.lab.faults.list().map(withoutCounts), { ...trouble, untilMs }]);
    }
    if (random() < 0.1) {
      const image = `shop/cart:${minute + 2}`;
      if (await operator(stage, () => stage.deploy(cart, released(webDefinition("cart"), "app", image)))) {
        wanted = { ...wanted, image };
      }
    }
    if (random() < 0.1) {
      const enrolled = !wanted.enrolled;
      const change = () => (enrolled ? stage.tag(cart, { [ENROLL]: "true" }) : stage.untag(cart, ENROLL));
      if (await operator(stage, change)) wanted = { ...wanted, enrolled };
    }
    await stage.lab.clock.sleep(50_000 + pick(20_000));
  }
  stage.lab.faults.replace([]);
  return wanted;
}

/** What an operator does fails while AWS fails: then it has not happened. */
async function operator(stage: LabDriver, act: () => Promise<unknown>): Promise<boolean> {
  const before = await stage.lab.clock.now();
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

describe("things go wrong at random while people work", () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))("seed %i: it converges once they stop", (seed) =>
    onLab({ fleet: cartFleet, seed, policy: { attemptDelaysMinutes: [15, 30] } }, async (stage) => {
      const wanted = await chaos(stage, seed);
      await stage.minutes(120);
      // A roll that failed goes back to the last deployment that had completed, which may be older than the last release.
      const reverted = outcomesOf(stage, cart).includes("reverted");
      if (!reverted) expect(await containerOf(stage, cart, "app")).toMatchObject({ image: wanted.image });
      await expectAtRest(stage, cart);
      if (wanted.enrolled) await expectMeshed(stage, cart);
      else {
        expect(await stage.containersOf(cart)).toEqual(["app"]);
        expect(tagsOf(stage, cart)).not.toHaveProperty(ENROLL);
        expect((await stage.state(cart))?.enrolled ?? false).toBe(false);
      }
      // Every release as it came and with the sidecar, at most.
      const revisions = await revisionsOf(stage, cart, "cart");
      expect(revisions.length).toBeLessThanOrEqual(60);
    }),
  );
});
