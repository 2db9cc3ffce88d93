import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { accountSubject, roleSubject } from "../../shared/enrollment/claims.ts";
import { demo, enrollAs, fleetOf, NAMESPACE, web, webDefinition } from "./support/fleets.ts";
import { boundRole, eventsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const [payments, mallory, orders] = [demo("payments"), demo("mallory"), demo("orders")];
const OWNER = `arn:aws:iam::${US.account}:role/payments-task`;
const subject = accountSubject("mesh-us", "ecs-shop", "payments");
const fleet = fleetOf([web("payments"), web("mallory"), web("orders")]);

/** Another family that runs with the role of `payments`. */
function asPayments(name: string) {
  return webDefinition(name, { taskRoleArn: OWNER });
}

/** The ledger as a version left it that kept no claims; somebody has removed the binding besides. */
async function enrolledBefore(driver: LabDriver): Promise<void> {
  await driver.tag(payments, enrollAs("payments"));
  await driver.until("payments is enrolled", 20, () => driver.ended(payments, "succeeded"));
  const { ledger } = driver.lab;
  await ledger.patchService(arnOf(payments), { held: null });
  for (const one of [subject, roleSubject("mesh-us", OWNER)])
    await ledger.changeClaim(one, (claim) => (claim ? { next: { ...claim, holders: {} } } : {}));
  await ledger.changeFleet(({ holdersKnownSince: _, ...next }) => ({ next }));
  driver.lab.controlPlanes.get("mesh-us")?.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "payments", namespace: "ecs-shop", annotations: {} },
  });
}

describe("a service account that a service has had since before claims were kept", () => {
  it("is not given to another service before a sweep has claimed it for the one that has it", () =>
    onLab({ fleet }, async (driver) => {
      await enrolledBefore(driver);
      await driver.tag(mallory, enrollAs("payments"));
      await driver.until("mallory is refused", 10, () =>
        Promise.resolve(eventsOf(driver, mallory).some(({ type }) => type === "Service Refused")),
      );
      const [refused] = eventsOf(driver, mallory).filter(({ type }) => type === "Service Refused");
      expect(JSON.stringify(refused?.detail)).toContain("identity-conflict");
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).not.toBe(
        `arn:aws:iam::${US.account}:role/mallory-task`,
      );
      await driver.minutes(40);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(OWNER);
      expect((await driver.lab.ledger.getFleet()).holdersKnownSince).toBeDefined();
    }));

  it("does not keep others from their own accounts", () =>
    onLab({ fleet }, async (driver) => {
      await enrolledBefore(driver);
      await driver.tag(orders, enrollAs("orders"));
      await driver.until("orders is enrolled", 20, () => driver.ended(orders, "succeeded"));
    }));
});

describe("a role that another service has had since before claims were kept", () => {
  const accountOf = (name: string, annotations: Record<string, string>, namespace = "ecs-shop") => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace, annotations },
  });
  const shared = fleetOf([web("payments"), web("mallory", { taskDefinition: asPayments("mallory") }), web("orders")]);
  const bind = (driver: LabDriver, name: string, annotation = "ecs.solo.io/role-arn", namespace?: string) =>
    driver.lab.controlPlanes.get("mesh-us")?.put(accountOf(name, { [annotation]: OWNER }, namespace));
  const refusalOf = (driver: LabDriver) =>
    eventsOf(driver, mallory).flatMap(({ type, detail }) =>
      type === "Service Refused" ? [JSON.stringify(detail)] : [],
    );

  async function refused(driver: LabDriver): Promise<void> {
    await driver.tag(mallory, enrollAs("mallory"));
    await driver.until("mallory is refused", 10, () => Promise.resolve(refusalOf(driver).length > 0));
    expect(refusalOf(driver)[0]).toMatch(/role-shared.*payments-task belongs to ecs-shop\/payments/);
    expect(boundRole(driver, "mesh-us", "ecs-shop", "mallory")).toBeUndefined();
  }

  it.each([
    ["is bound", true],
    ["has lost its binding", false],
  ])("is refused at the first claim while its account %s", (_, isBound) =>
    onLab({ fleet: shared, schedules: false }, async (driver) => {
      await enrolledBefore(driver);
      if (isBound) bind(driver, "payments");
      await refused(driver);
    }),
  );

  it("is refused where the ledger names what that service holds", () =>
    onLab({ fleet: shared, schedules: false }, async (driver) => {
      await driver.tag(payments, enrollAs("payments"));
      await driver.until("payments is enrolled", 20, () => driver.ended(payments, "succeeded"));
      const { ledger } = driver.lab;
      for (const one of [subject, roleSubject("mesh-us", OWNER)])
        await ledger.changeClaim(one, (claim) => (claim ? { next: { ...claim, holders: {} } } : {}));
      await ledger.changeFleet(({ holdersKnownSince: _, ...next }) => ({ next }));
      await refused(driver);
    }));

  it.each(["ecs.solo.io/role-arn", "eks.amazonaws.com/role-arn"])(
    "is refused where a person has bound another service account to it by %s",
    (annotation) =>
      onLab({ fleet: shared }, async (driver) => {
        driver.lab.controlPlanes.get("mesh-us")?.put({
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "by-hand", labels: {} },
        });
        bind(driver, "pods", annotation, "by-hand");
        await driver.tag(mallory, enrollAs("mallory"));
        await driver.until("mallory is refused", 10, () => Promise.resolve(refusalOf(driver).length > 0));
        expect(refusalOf(driver)[0]).toMatch(/role-shared.*payments-task belongs to by-hand\/pods/);
      }),
  );

  it("is allowed where the policy says so", () =>
    onLab({ fleet: shared, policy: { sharedRoles: "warn" } }, async (driver) => {
      await enrolledBefore(driver);
      bind(driver, "payments");
      await driver.tag(mallory, enrollAs("mallory"));
      await driver.until("mallory is enrolled", 20, () => driver.ended(mallory, "succeeded"));
    }));

  it("may have its service take another service account", () =>
    onLab({ fleet: shared, schedules: false }, async (driver) => {
      await enrolledBefore(driver);
      bind(driver, "payments");
      await driver.tag(payments, { ...enrollAs("renamed"), [NAMESPACE]: "ecs-shop" });
      await driver.until("payments has its new account", 20, async () =>
        Promise.resolve(boundRole(driver, "mesh-us", "ecs-shop", "renamed") === OWNER),
      );
    }));
});
