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
/** Its tasks never get healthy in one of the regions. */
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
    intro: "Teams create services with the tag on them, some of them in a third region.",
    play: async (stage) => {
      await createFleet(growth, (at, call, input) => stage.lab.call(at, call, input));
      for (const service of grown) {
        await stage.until(`${service.name} is enrolled`, 30, () => stage.ended(service, "succeeded"));
      }
    },
  },
  {
    name: "the root CA is rotated, first phase: old and new",
    intro: "The mesh's bundle holds the old and the new root. Every service is rolled to trust both, in waves.",
    quiet: true,
    play: async (stage) => {
      setRootCa(stage, rootCaPem + nextRootCaPem);
      const rollouts = await rotated(stage, 2);
      expectThat(new Set(rollouts.flatMap(regionsOf)).size === 3, "the rotation did not reach three regions");
      await stage.until("told that the old root may go", 15, () => said(stage, "no running task needs").length === 2);
      expectThat((await trusting(stage, 2)) === (await enrolledCount(stage)), "a service does not trust both roots");
    },
  },
  {
    name: "the root CA is rotated, second phase: the new one alone",
    intro: "The old root leaves the bundle, now that nobody needs it. The services are rolled once more.",
    quiet: true,
    play: async (stage) => {
      setRootCa(stage, nextRootCaPem);
      await rotated(stage, 4);
      expectThat((await trusting(stage, 1)) === (await enrolledCount(stage)), "a service still trusts the old root");
      expectThat(said(stage, "cut off").length === 0, "somebody was told to be cut off");
    },
  },
  {
    name: "an upgrade that fails in one region",
    intro: "ztunnel 1.28.2 is rolled out. In eu-central-1 it does not get healthy: everything goes back.",
    quiet: true,
    play: async (stage) => {
      const { lab } = stage;
      const before = await revisions(stage);
      lab.faults.add({ kind: "container-unhealthy", match: { image: BROKEN_IMAGE, region: CENTRAL.region } });
      const rolloutId = "upgrade-1-28-2";
      await stage.request({ ...upgrade, rolloutId, image: BROKEN_IMAGE, why: "ztunnel 1.28.2" });
      const rollout = await ended(stage, rolloutId);
      expectThat(rollout.status === "rolled-back", `the upgrade is ${rollout.status}`);
      expectThat(rollout.reason?.code === "budget-exceeded", `it went back for ${rollout.reason?.code}`);
      const order = rollout.waves.flatMap(({ state, finishedAt }) =>
        state === "rolled-back" ? [finishedAt ?? ""] : [],
      );
      expectThat(order.length > 1, "no earlier wave had to go back");
      expectThat(order.join() === order.toSorted().reverse().join(), "the newest wave did not go back first");
      expectThat((await revisions(stage)).join() === before.join(), "a service does not run its revision from before");
    },
  },
  {
    name: "an upgrade that an operator pauses",
    intro: "ztunnel 1.28.3 is rolled out. After the first waves an operator pauses it, and lets it go on later.",
    quiet: true,
    play: async (stage) => {
      const rolloutId = "upgrade-1-28-3";
      const state = () => stage.lab.ledger.getRollout(rolloutId);
      await stage.request({ ...upgrade, rolloutId, image: NEXT_IMAGE, why: "ztunnel 1.28.3" });
      await stage.until("in its second wave", 60, async () => ((await state())?.nextWaveIndex ?? 0) >= 1);
      await stage.control({ rolloutId, action: "pause", requestedBy: "ada" });
      await stage.until("paused", 60, async () => (await state())?.status === "paused");
      const held = await revisions(stage);
      await stage.minutes(30);
      expectThat((await revisions(stage)).join() === held.join(), "the paused rollout went on");
      await stage.control({ rolloutId, action: "resume", requestedBy: "grace" });
      const rollout = await ended(stage, rolloutId);
      expectThat(rollout.status === "completed", `the upgrade is ${rollout.status}`);
      for (const { arn } of stage.lab.ecs.allServices()) {
        const { ztunnel: running } = await serviceReport(stage, arn);
        expectThat(running === null || running.image === NEXT_IMAGE, `${arn} runs ${running?.image}`);
      }
    },
  },
];

function setRootCa({ lab }: LabDriver, pem: string): void {
  for (const plane of lab.controlPlanes.values()) plane.setRootCa(pem);
}

async function ended(stage: LabDriver, rolloutId: string): Promise<Rollout> {
  let rollout: Rollout | undefined;
  await stage.until(`${rolloutId} has ended`, 600, async () => {
    rollout = await stage.lab.ledger.getRollout(rolloutId);
    return rollout?.finishedAt !== undefined;
  });
  if (!rollout) throw new Error(`there is no rollout ${rolloutId}`);
  return rollout;
}

/** The rotations, once there are so many and they have completed. */
async function rotated(stage: LabDriver, count: number): Promise<readonly Rollout[]> {
  const rotations = async () => {
    const all = await Array.fromAsync(stage.lab.ledger.listRollouts());
    return all.filter(({ kind }) => kind === "rotate");
  };
  await stage.until("the rotation has ended", 600, async () => {
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

async function enrolledCount(stage: LabDriver): Promise<number> {
  return (await enrolled(stage)).length;
}

/** The revisions of the enrolled services. */
async function revisions(stage: LabDriver): Promise<readonly string[]> {
  const reports = await Promise.all((await enrolled(stage)).map((arn) => serviceReport(stage, arn)));
  return reports.map(({ taskDefinitionArn }) => taskDefinitionArn).sort();
}

/** How many enrolled services start from the newest facts, which hold so many root certificates. */
async function trusting(stage: LabDriver, certificates: number): Promise<number> {
  const { lab } = stage;
  let count = 0;
  for (const arn of await enrolled(stage)) {
    const [, , , region = "", account = ""] = arn.split(":");
    const plane = controlPlaneFor(lab.config, { account, region });
    const newest = plane && (await lab.ledger.getMesh(plane.name))?.generations.at(-1);
    if (!newest || parseBundle(newest.facts.rootCaPem).certificates.length !== certificates) continue;
    const looked = await lab.lambda.invoke("reconcile-service", lookAt(arn));
    if (JSON.stringify(looked).includes("as-desired")) count += 1;
  }
  return count;
}

function lookAt(arn: string) {
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

/** What Slack was told that has this in it. */
function said({ lab }: LabDriver, words: string): readonly string[] {
  return lab.slack.messages().flatMap(({ text }) => (text.includes(words) ? [text] : []));
}
