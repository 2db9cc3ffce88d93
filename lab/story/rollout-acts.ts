import { nextRootCaPem, rootCaPem } from "@ztunnel-autopilot/simulator";
import { awsDetailTypes, deploymentEventNames, eventSources } from "../../shared/base/vocabulary.ts";
import { controlPlaneFor } from "../../shared/config/config.ts";
import type { Rollout } from "../../shared/model/rollout.ts";
import { parseBundle } from "../../shared/trust/bundle.ts";
import { CENTRAL, growth } from "../fleet/demo.ts";
import { createFleet } from "../fleet/fleet.ts";
import type { Act } from "./act.ts";
import { expectThat, type LabDriver, type ServiceName, serviceReport } from "./lab-driver.ts";

const ztunnel = (version: string) => `us-docker.pkg.dev/soloio-img/istio/ztunnel:${version}-solo-distroless`;
const upgrade = { kind: "upgrade", requestedBy: "ada" } as const;
/** Tasks with this image never become healthy in one of the regions. */
const BROKEN_IMAGE = ztunnel("1.28.2");
const NEXT_IMAGE = ztunnel("1.28.3");

const grown: readonly ServiceName[] = growth.services.map(({ account, region, cluster, name }) => ({
  account,
  region,
  cluster,
  name,
}));

export const rolloutActs: readonly Act[] = [
  {
    name: "seven more services, in three regions",
    intro: "Teams create services with the enroll tag, some of them in a third region.",
    play: async (driver) => {
      await createFleet(growth, (at, call, input) => driver.lab.call(at, call, input));
      for (const service of grown) {
        await driver.until(`${service.name} is enrolled`, 30, () => driver.ended(service, "succeeded"));
      }
    },
  },
  {
    name: "the root CA is rotated, first phase: old and new root",
    intro:
      "The mesh's bundle has the old and the new root. Every service is rolled in waves, to trust both. Then istiod signs with the new root, and the old one's certificates run out.",
    quiet: true,
    play: async (driver) => {
      setRootCa(driver, rootCaPem + nextRootCaPem);
      const rollouts = await rotated(driver, 2);
      expectThat(new Set(rollouts.flatMap(regionsOf)).size === 3, "the rotation did not reach three regions");
      await driver.until("istiod may sign with the new root", 15, () => planesAt(driver, "sign-with-new") === 2);
      for (const plane of driver.lab.controlPlanes.values()) plane.signWith(nextRootCaPem);
      await driver.until("the new root signs", 15, () => planesAt(driver, "running-out") === 2);
      await driver.until("the old root is retirable", 90, () => planesAt(driver, "retirable") === 2);
      for (const plane of driver.lab.controlPlanes.values())
        expectThat(plane.heldFrom(rootCaPem) === 0, "a task has a certificate that the old root has signed");
      expectThat((await trusting(driver, 2)) === (await enrolledCount(driver)), "a service does not trust both roots");
    },
  },
  {
    name: "the root CA is rotated, second phase: the new root alone",
    intro: "No task needs the old root any more, and it is removed from the bundle. The services are rolled again.",
    quiet: true,
    play: async (driver) => {
      setRootCa(driver, nextRootCaPem);
      await rotated(driver, 4);
      expectThat((await trusting(driver, 1)) === (await enrolledCount(driver)), "a service still trusts the old root");
      expectThat(slackTexts(driver, "cut off").length === 0, "a message says that tasks are cut off");
    },
  },
  {
    name: "an upgrade that fails in one region",
    intro: "ztunnel 1.28.2 is rolled out. It doesn't become healthy in eu-central-1, and every service is rolled back.",
    quiet: true,
    play: async (driver) => {
      const { lab } = driver;
      const before = await revisions(driver);
      lab.faults.add({ kind: "container-unhealthy", match: { image: BROKEN_IMAGE, region: CENTRAL.region } });
      const rolloutId = "upgrade-1-28-2";
      await driver.request({ ...upgrade, rolloutId, image: BROKEN_IMAGE, why: "ztunnel 1.28.2" });
      const rollout = await ended(driver, rolloutId);
      expectThat(rollout.status === "rolled-back", `the upgrade is ${rollout.status}`);
      expectThat(rollout.reason?.code === "budget-exceeded", `it was rolled back for ${rollout.reason?.code}`);
      const order = rollout.waves.flatMap(({ state, finishedAt }) =>
        state === "rolled-back" ? [finishedAt ?? ""] : [],
      );
      expectThat(order.length > 1, "no earlier wave was rolled back");
      expectThat(order.join() === order.toSorted().reverse().join(), "the newest wave was not rolled back first");
      expectThat((await revisions(driver)).join() === before.join(), "a service does not run its previous revision");
    },
  },
  {
    name: "an upgrade that an operator pauses",
    intro: "ztunnel 1.28.3 is rolled out. An operator pauses the rollout after the first waves, and resumes it later.",
    quiet: true,
    play: async (driver) => {
      const rolloutId = "upgrade-1-28-3";
      const state = () => driver.lab.ledger.getRollout(rolloutId);
      await driver.request({ ...upgrade, rolloutId, image: NEXT_IMAGE, why: "ztunnel 1.28.3" });
      await driver.until("the second wave begins", 60, async () => ((await state())?.nextWaveIndex ?? 0) >= 1);
      await driver.control({ rolloutId, action: "pause", requestedBy: "ada" });
      await driver.until("the rollout is paused", 60, async () => (await state())?.status === "paused");
      const held = await revisions(driver);
      await driver.minutes(30);
      expectThat((await revisions(driver)).join() === held.join(), "the paused rollout went on");
      await driver.control({ rolloutId, action: "resume", requestedBy: "grace" });
      const rollout = await ended(driver, rolloutId);
      expectThat(rollout.status === "completed", `the upgrade is ${rollout.status}`);
      for (const { arn } of driver.lab.ecs.allServices()) {
        const { ztunnel: running } = await serviceReport(driver, arn);
        expectThat(running === null || running.image === NEXT_IMAGE, `${arn} runs ${running?.image}`);
      }
    },
  },
];

function setRootCa({ lab }: LabDriver, pem: string): void {
  for (const plane of lab.controlPlanes.values()) plane.setRootCa(pem);
}

async function ended(driver: LabDriver, rolloutId: string): Promise<Rollout> {
  let rollout: Rollout | undefined;
  await driver.until(`${rolloutId} has ended`, 600, async () => {
    rollout = await driver.lab.ledger.getRollout(rolloutId);
    return rollout?.finishedAt !== undefined;
  });
  if (!rollout) throw new Error(`there is no rollout ${rolloutId}`);
  return rollout;
}

/** The rotations, once there are `count` of them and all have completed. */
async function rotated(driver: LabDriver, count: number): Promise<readonly Rollout[]> {
  const rotations = async () => {
    const all = await Array.fromAsync(driver.lab.ledger.listRollouts());
    return all.filter(({ kind }) => kind === "rotate");
  };
  await driver.until("the rotation has ended", 600, async () => {
    const all = await rotations();
    return all.length >= count && all.every(({ finishedAt }) => finishedAt !== undefined);
  });
  const all = await rotations();
  const odd = all.find(({ status }) => status !== "completed");
  expectThat(odd === undefined, `${odd?.id} is ${odd?.status}: ${odd?.reason?.detail}`);
  return all;
}

function regionsOf({ waves }: Rollout): readonly string[] {
  return waves.flatMap(({ lanes }) => lanes.map(({ region }) => region));
}

async function enrolled({ lab }: LabDriver): Promise<readonly string[]> {
  const states = await Array.fromAsync(lab.ledger.listServices());
  return states.filter((state) => state.enrolled).map(({ serviceArn }) => serviceArn);
}

async function enrolledCount(driver: LabDriver): Promise<number> {
  return (await enrolled(driver)).length;
}

/** The revisions of the enrolled services. */
async function revisions(driver: LabDriver): Promise<readonly string[]> {
  const reports = await Promise.all((await enrolled(driver)).map((arn) => serviceReport(driver, arn)));
  return reports.map(({ taskDefinitionArn }) => taskDefinitionArn).sort();
}

/** How many enrolled services use the newest facts, where those have this many root certificates. */
async function trusting(driver: LabDriver, certificates: number): Promise<number> {
  const { lab } = driver;
  let count = 0;
  for (const arn of await enrolled(driver)) {
    const [, , , region = "", account = ""] = arn.split(":");
    const plane = controlPlaneFor(lab.config, { account, region });
    const newest = plane && (await lab.ledger.getMesh(plane.name))?.generations.at(-1);
    if (!newest || parseBundle(newest.facts.rootCaPem).certificates.length !== certificates) continue;
    const decided = await lab.lambda.invoke("reconcile-service", completedDeploymentOf(arn));
    if (JSON.stringify(decided).includes("as-desired")) count += 1;
  }
  return count;
}

function completedDeploymentOf(arn: string) {
  const [, , , region = "", account = ""] = arn.split(":");
  return {
    source: eventSources.ecs,
    "detail-type": awsDetailTypes.deployment,
    account,
    region,
    resources: [arn],
    detail: { eventType: "INFO", eventName: deploymentEventNames.completed, deploymentId: "ecs-svc/1", reason: "" },
  };
}

/** How many control planes have come to this stage of their rotation. */
function planesAt({ lab }: LabDriver, stage: string): number {
  const planes = lab.eventBridge.log().flatMap(({ event: { "detail-type": detailType, detail } }) => {
    const reached = detailType === "Root CA Retirable" ? "retirable" : detail.stage;
    return detailType.startsWith("Root CA ") && reached === stage ? [detail.controlPlane] : [];
  });
  return new Set(planes).size;
}

/** Slack messages with these words. */
function slackTexts({ lab }: LabDriver, words: string): readonly string[] {
  return lab.slack.messages().flatMap(({ text }) => (text.includes(words) ? [text] : []));
}
