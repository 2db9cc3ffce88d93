import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import type { LabDriver, ServiceName } from "../../lab/story/lab-driver.ts";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { boundRole, eventsOf, expectMeshed, kubernetesObjects } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const role = (name: string): string => `arn:aws:iam::${US.account}:role/${name}`;
const [payments, mallory] = [demo("payments"), demo("mallory")];
const rivals = fleetOf([web("payments"), web("mallory")]);

function planeOf(driver: LabDriver) {
  const plane = driver.lab.controlPlanes.get("mesh-us");
  if (!plane) throw new Error("there is no control plane mesh-us");
  return plane;
}

function put(driver: LabDriver, kind: string, metadata: JsonObject): void {
  planeOf(driver).put({ apiVersion: "v1", kind, metadata });
}

function reasonsOf(driver: LabDriver, service: ServiceName): readonly unknown[] {
  return eventsOf(driver, service).flatMap(({ detail: { refusals } }) =>
    Array.isArray(refusals) ? refusals.map((one) => isJsonObject(one) && one.reason) : [],
  );
}

function labelsOf(driver: LabDriver, namespace: string): unknown {
  const metadata = kubernetesObjects(driver, "mesh-us", "Namespace").map((object) => object.metadata);
  return metadata.filter(isJsonObject).find(({ name }) => name === namespace)?.labels;
}

describe("two services with roles of their own that ask for one service account at once", () => {
  it.each([25, 100])("get it once, with calls to Kubernetes that take twice %i ms", async (latencyMs) => {
    const winners = new Set<string>();
    for (let seed = 1; seed <= 8; seed += 1) {
      await onLab({ fleet: rivals, seed }, async (driver) => {
        const plane = planeOf(driver);
        const answer = plane.handle.bind(plane);
        plane.handle = async (request) => {
          await driver.lab.clock.sleep(latencyMs);
          const answered = await answer(request);
          await driver.lab.clock.sleep(latencyMs);
          return answered;
        };
        await Promise.all([driver.tag(payments, enrollAs("payments")), driver.tag(mallory, enrollAs("payments"))]);
        await driver.minutes(12);
        const meshed = [payments, mallory].map(async (one) => ((await driver.inMesh(one)) ? [one.name] : []));
        const [winner, ...others] = (await Promise.all(meshed)).flat();
        expect(others).toEqual([]);
        expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(role(`${winner}-task`));
        const loser = winner === "payments" ? mallory : payments;
        expect(reasonsOf(driver, loser)).toEqual(["identity-conflict"]);
        winners.add(winner ?? "");
      });
    }
    expect(winners.size).toBeGreaterThan(0);
  });
});

describe("a role that another service account has", () => {
  const definition = webDefinition("mallory", { taskRoleArn: role("payments-task") });
  const fleet = fleetOf([web("payments"), web("mallory", { taskDefinition: definition })]);

  it("is refused for a second one", () =>
    onLab({ fleet }, async (driver) => {
      await driver.tag(payments, enrollAs("payments"));
      await driver.until("payments is enrolled", 15, () => driver.ended(payments, "succeeded"));
      await driver.tag(mallory, enrollAs("second"));
      await driver.minutes(15);
      expect(reasonsOf(driver, mallory)).toEqual(["role-shared"]);
      expect(await driver.inMesh(mallory)).toBe(false);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "second")).toBeUndefined();
    }));

  it("is taken where the policy only warns", () =>
    onLab({ fleet, policy: { sharedRoles: "warn" } }, async (driver) => {
      await driver.tag(payments, enrollAs("payments"));
      await driver.until("payments is enrolled", 15, () => driver.ended(payments, "succeeded"));
      await driver.tag(mallory, enrollAs("second"));
      await driver.until("mallory is enrolled", 15, () => driver.ended(mallory, "succeeded"));
      expect(driver.lab.logs.some(({ line }) => line.includes("a role has several service accounts"))).toBe(true);
    }));
});

describe("a service account with EKS's own annotation", () => {
  const annotate = (driver: LabDriver) => {
    const annotations = { "eks.amazonaws.com/role-arn": role("pods") };
    put(driver, "Namespace", { name: "ecs-shop", labels: { "istio.io/dataplane-mode": "ambient" } });
    put(driver, "ServiceAccount", { name: "cart", namespace: "ecs-shop", annotations });
  };

  it("belongs to that role", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      annotate(driver);
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(10);
      expect(reasonsOf(driver, cart)).toEqual(["identity-conflict"]);
      expect(driver.messagesAbout(cart).at(-1)).toContain("eks.amazonaws.com/role-arn");
    }));

  it("is bound where the policy ignores it", () =>
    onLab({ fleet: cartFleet, policy: { eksRoleAnnotation: "ignore" } }, async (driver) => {
      annotate(driver);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
    }));

  it("that gets it later stays in the mesh, and follows an image", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      const annotations = { "ecs.solo.io/role-arn": role("cart-task"), "eks.amazonaws.com/role-arn": role("pods") };
      put(driver, "ServiceAccount", { name: "cart", namespace: "ecs-shop", annotations });
      const image = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2";
      const before = await driver.revisionOf(cart);
      await driver.tag(cart, { "ztunnel-autopilot/image": image });
      await driver.until("another revision", 10, async () => (await driver.revisionOf(cart)) !== before);
      await driver.minutes(5);
      await expectMeshed(driver, cart);
      expect(reasonsOf(driver, cart)).toEqual([]);
    }));
});

describe("a namespace that somebody has made", () => {
  it("is refused without the ambient label, with the command that labels it, and stays as it is", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      put(driver, "Namespace", { name: "ecs-shop", labels: { team: "shop" } });
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(10);
      expect(reasonsOf(driver, cart)).toEqual(["namespace-not-ambient"]);
      expect(driver.messagesAbout(cart).at(-1)).toContain(
        "kubectl label namespace ecs-shop istio.io/dataplane-mode=ambient",
      );
      expect(labelsOf(driver, "ecs-shop")).toEqual({ team: "shop" });
    }));

  it("is labeled where the policy says so", () =>
    onLab({ fleet: cartFleet, policy: { labelNamespaces: true } }, async (driver) => {
      put(driver, "Namespace", { name: "ecs-shop", labels: { team: "shop" } });
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      expect(labelsOf(driver, "ecs-shop")).toEqual({ team: "shop", "istio.io/dataplane-mode": "ambient" });
    }));

  it("called istio-system is used as it is, by its own default", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const before = labelsOf(driver, "istio-system");
      await driver.tag(cart, { "ztunnel-autopilot/enroll": "true" });
      await driver.until("cart is enrolled", 15, () => driver.ended(cart, "succeeded"));
      expect(labelsOf(driver, "istio-system")).toEqual(before);
      expect(boundRole(driver, "mesh-us", "istio-system", "default")).toBe(role("cart-task"));
    }));
});
