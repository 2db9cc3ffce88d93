import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import type { Tags } from "../../../../shared/model/service.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { withCalls } from "../../../support/altered-calls.ts";
import { ACCOUNT, revisionArn, serviceNamed, web } from "../../../support/arns.ts";
import { completedDeployment } from "../../../support/deployments.ts";
import { config, enrolled, service } from "../../../support/services.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";

const OTHER_ROLE = `arn:aws:iam::${ACCOUNT}:role/other`;
const api = serviceNamed("api");

async function sweeps(testbed: RollTestbed, count: number, changes: object = {}): Promise<void> {
  for (let nth = 0; nth < count; nth += 1) {
    testbed.clock.nowMs += 15 * 60_000;
    await sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, ...changes });
  }
}

/** The service `web` in the mesh, and what sweeps have reported about shared things since. */
async function inMesh(changes: Parameters<typeof watchedTestbed>[0] = {}) {
  const testbed = await watchedTestbed(changes);
  await enroll(testbed);
  await sweeps(testbed, 3);
  testbed.bus.events.length = 0;
  const reported = () =>
    testbed.bus.events.flatMap(({ detailType, detail }) => (detailType === "Mesh Identity Warned" ? [detail] : []));
  return { testbed, reported };
}

/** Another service in the mesh with the same role and another service account. */
async function addApi(
  testbed: RollTestbed,
  tags: Tags = { ...enrolled, "ecs.solo.io/service-account": "api" },
): Promise<void> {
  const taskDefinitionArn = revisionArn("api", 1);
  const primary = completedDeployment({ id: "ecs-svc/api", taskDefinitionArn });
  testbed.ecs.add(service({ ref: api, taskDefinitionArn, deployments: [primary], tags }));
  await enroll(testbed, api);
}

describe("an annotation of EKS that appears on an owned service account", () => {
  const binding = {
    controlPlane: "main",
    code: "identity-conflict",
    services: [web.serviceArn],
    detail: `shop/web is bound to ${OTHER_ROLE} by eks.amazonaws.com/role-arn, its services have arn:aws:iam::${ACCOUNT}:role/web-task.`,
  };

  it("is reported once as long as it is there, and again when it comes again", async () => {
    const { testbed, reported } = await inMesh();
    testbed.plane.eksBound.set("shop/web", OTHER_ROLE);
    await sweeps(testbed, 4);
    expect(reported()).toEqual([expect.objectContaining(binding)]);
    testbed.plane.eksBound.delete("shop/web");
    await sweeps(testbed, 1);
    testbed.plane.eksBound.set("shop/web", OTHER_ROLE);
    await sweeps(testbed, 2);
    expect(reported()).toHaveLength(2);
  });

  it("is not forgotten while the control plane can't be read", async () => {
    const { testbed, reported } = await inMesh();
    testbed.plane.eksBound.set("shop/web", OTHER_ROLE);
    await sweeps(testbed, 1);
    const broken = withCalls(testbed.plane, {
      listBindings: async () => {
        throw new Error("not reachable");
      },
    });
    await sweeps(testbed, 1, { controlPlane: () => broken });
    await sweeps(testbed, 1);
    expect(reported()).toHaveLength(1);
  });

  it.each([
    ["the right to list them all is missing", true],
    ["they are too many", false],
  ])("is found where service accounts are read one namespace after the other, as %s", async (_, isRefused) => {
    const { testbed, reported } = await inMesh({ config: config({ policy: { sharedRoles: "warn" } }) });
    await addApi(testbed, { ...enrolled, "ecs.solo.io/namespace": "other" });
    await sweeps(testbed, 2);
    testbed.plane.eksBound.set("shop/web", OTHER_ROLE);
    const narrow = withCalls(testbed.plane, {
      listAllBindings: async () => {
        if (isRefused) throw new AutopilotError("control-plane-refused", "HTTP 403");
        return undefined;
      },
    });
    await sweeps(testbed, 1, { controlPlane: () => narrow });
    expect(reported()).toContainEqual(expect.objectContaining(binding));
  });

  it("is reported by the next sweep where a crash kept the event from being sent", async () => {
    const { testbed, reported } = await inMesh();
    testbed.plane.eksBound.set("shop/web", OTHER_ROLE);
    const silent = {
      putEvents: async () => {
        throw new Error("crashed");
      },
    };
    await sweeps(testbed, 1, { bus: silent });
    expect(reported()).toEqual([]);
    await sweeps(testbed, 2);
    expect(reported()).toHaveLength(1);
  });
});

describe("a namespace that has lost its label", () => {
  it("is reported once, with the command, until it has the label again", async () => {
    const { testbed, reported } = await inMesh();
    testbed.plane.namespaces.delete("shop");
    testbed.plane.keptOut.add("shop");
    await sweeps(testbed, 3);
    expect(reported()).toEqual([
      expect.objectContaining({
        code: "namespace-not-ambient",
        detail: "kubectl label namespace shop istio.io/dataplane-mode=ambient",
        services: [web.serviceArn],
      }),
    ]);
    testbed.plane.keptOut.delete("shop");
    testbed.plane.namespaces.add("shop");
    await sweeps(testbed, 1);
    for await (const claim of testbed.ledger.listClaims()) expect(claim).not.toHaveProperty("problem");
  });

  it("is labeled, not reported, where the policy says so", async () => {
    const { testbed, reported } = await inMesh({ config: config({ policy: { labelNamespaces: true } }) });
    testbed.plane.namespaces.delete("shop");
    testbed.plane.keptOut.add("shop");
    await sweeps(testbed, 2);
    expect(reported()).toEqual([]);
  });
});

describe("a role that several service accounts have", () => {
  it("is reported once where the policy allows it, and no more when one of the services has left", async () => {
    const { testbed, reported } = await inMesh({ config: config({ policy: { sharedRoles: "warn" } }) });
    await addApi(testbed);
    await sweeps(testbed, 4);
    expect(reported()).toEqual([
      expect.objectContaining({
        code: "role-shared",
        detail: `arn:aws:iam::${ACCOUNT}:role/web-task is that of shop/api and shop/web.`,
        services: [api.serviceArn, web.serviceArn],
      }),
    ]);
    testbed.ecs.delete(api);
    await sweeps(testbed, 3);
    for await (const claim of testbed.ledger.listClaims()) expect(claim).not.toHaveProperty("problem");
    expect(reported()).toHaveLength(1);
  });

  it("is not reported while one service moves from one to the other", async () => {
    const { testbed, reported } = await inMesh();
    const state = await testbed.ledger.getService(web.serviceArn);
    const [held] = state?.held ?? [];
    if (!held) throw new Error("it holds nothing");
    await testbed.ledger.patchService(web.serviceArn, { held: [held, { ...held, serviceAccount: "next" }] });
    await sweeps(testbed, 1);
    expect(reported()).toEqual([]);
  });
});

describe("a hostname that services of different identities have in one namespace", () => {
  const HOSTNAME = "ecs.solo.io/hostname";
  const DEFAULT_OF_WEB = `${web.serviceName}.${web.clusterName}.ecs.local`;
  const asApi = (hostname: string) => ({
    ...enrolled,
    "ecs.solo.io/service-account": "api",
    [HOSTNAME]: hostname,
  });
  const rename = (testbed: RollTestbed, hostname: string) => {
    const before = testbed.ecs.of(api);
    testbed.ecs.services.set(api.serviceArn, { ...before, tags: { ...before.tags, [HOSTNAME]: hostname } });
  };

  it("is reported once, also where it is the other's by default, and no more when it is another one", async () => {
    const { testbed, reported } = await inMesh({ config: config({ policy: { sharedRoles: "warn" } }) });
    await addApi(testbed, asApi("api.example.com"));
    await sweeps(testbed, 3);
    const hostnames = () => reported().filter(({ code }) => code === "hostname-shared");
    expect(hostnames()).toEqual([]);
    rename(testbed, DEFAULT_OF_WEB);
    await sweeps(testbed, 4);
    expect(hostnames()).toEqual([
      expect.objectContaining({
        controlPlane: "main",
        detail: `${DEFAULT_OF_WEB} in shop is that of api and web.`,
        services: [api.serviceArn, web.serviceArn],
      }),
    ]);
    rename(testbed, "api.example.com");
    await sweeps(testbed, 4);
    const problems = (await Array.fromAsync(testbed.ledger.listClaims())).flatMap(({ problem }) => problem?.code ?? []);
    expect(problems).not.toContain("hostname-shared");
    expect(hostnames()).toHaveLength(1);
  });
});
