import { canonicalJson, isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { awsDetailTypes, DEFAULT_ENROLL_TAG, tagKeys } from "../../shared/base/vocabulary.ts";
import { containersOf } from "../../shared/model/task-definition.ts";
import { catalogService, EU, shellDefinition, US } from "../fleet/demo.ts";
import { createService } from "../fleet/fleet.ts";
import type { Act } from "./act.ts";
import { expectThat, type LabDriver, type ServiceName } from "./lab-driver.ts";

const ENROLL = DEFAULT_ENROLL_TAG;
const IMAGE = tagKeys.image;
const BAD_IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2-rc.1";

const demo = (name: string): ServiceName => ({ ...US, cluster: "ecs-demo", name });
const shop = (name: string): ServiceName => ({ ...EU, cluster: "shop", name });
const shell = demo("shell-task");
const echo = demo("echo-service");
const checkout = shop("checkout");
const search = shop("search");
const catalog = shop("catalog");
const reports = shop("legacy-reports");
const billing = shop("billing");

/** A service account of its own: one is bound to one role. */
const identity = (serviceAccount: string) => ({
  [tagKeys.namespace]: "ecs-shop",
  [tagKeys.serviceAccount]: serviceAccount,
});

async function enrolled(stage: LabDriver, service: ServiceName, withinMinutes = 15): Promise<void> {
  await stage.until(`${service.name} is enrolled`, withinMinutes, () => stage.ended(service, "succeeded"));
  expectThat(await stage.inMesh(service), `${service.name} has no ztunnel container`);
}

/** The definition with another image in its first application container, as a pipeline registers it. */
function released(definition: JsonObject, container: string, image: string): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    one.name === container ? { ...one, image } : one,
  );
  return { ...definition, containerDefinitions };
}

const shellRelease = released(shellDefinition, "shell", "curlimages/curl:8.17.0");

/** What happens to single services. */
export const serviceActs: readonly Act[] = [
  {
    name: "tag two services",
    intro: `The services of Solo's guide, shell-task and echo-service, get the tag ${ENROLL}=true.`,
    play: async (stage) => {
      await stage.tag(shell, { [ENROLL]: "true" });
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, shell);
      await enrolled(stage, echo);
    },
  },
  {
    name: "a CI deployment without the sidecar",
    intro: "A pipeline deploys a revision of shell-task that does not know the sidecar.",
    play: async (stage) => {
      await stage.deploy(shell, shellRelease);
      await stage.until("re-injected", 15, async () => (await stage.inMesh(shell)) && stage.ended(shell, "succeeded"));
      const images = containersOf(await stage.definitionOf(shell)).map(({ image }) => image);
      expectThat(images.includes("curlimages/curl:8.17.0"), "the pipeline's image is gone");
      await stage.until("told", 2, () => stage.told(shell).length >= 2);
    },
  },
  {
    name: "a service created with the tag, in another account",
    intro: "Somebody creates the service catalog in eu-west-1 of the second account, with the tag on it.",
    play: async (stage) => {
      await createService(catalogService, (at, call, input) => stage.lab.call(at, call, input));
      await enrolled(stage, catalog);
    },
  },
  {
    name: "a ztunnel image that never gets healthy",
    intro: "echo-service is pinned to an image whose ztunnel does not get healthy.",
    play: async (stage) => {
      const good = await stage.revisionOf(echo);
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await stage.tag(echo, { [IMAGE]: BAD_IMAGE });
      await stage.until("reverted", 40, () => stage.ended(echo, "reverted"));
      expectThat((await stage.revisionOf(echo)) === good, "echo-service does not run its pinned last good revision");
      await stage.until("told", 2, () =>
        stage.told(echo).some((text) => text.includes("was reverted to the last good revision")),
      );
      const rolls = stage.rollsOf(echo).length;
      await stage.minutes(10);
      expectThat(stage.rollsOf(echo).length === rolls, "the same roll was tried again within ten minutes");
      await stage.untag(echo, IMAGE);
      await stage.minutes(2);
      expectThat((await stage.revisionOf(echo)) === good, "taking the tag away redeployed echo-service");
    },
  },
  {
    name: "two services that can't be enrolled",
    intro: "legacy-reports (bridge networking) and billing (CodeDeploy) get the tag.",
    play: async (stage) => {
      const before = [await stage.revisionOf(reports), await stage.revisionOf(billing)];
      await stage.tag(reports, { [ENROLL]: "true" });
      await stage.tag(billing, { [ENROLL]: "true" });
      await stage.until(
        "both refusals told",
        5,
        () => stage.told(reports).length > 0 && stage.told(billing).length > 0,
      );
      const after = [await stage.revisionOf(reports), await stage.revisionOf(billing)];
      expectThat(before.join() === after.join(), "a refused service was changed");
    },
  },
  {
    name: "untag shell-task",
    intro: "shell-task loses its tag: its definition is as it was before.",
    play: async (stage) => {
      await stage.untag(shell, ENROLL);
      await stage.until("unenrolled", 15, async () => (await stage.state(shell))?.enrolled === false);
      const containers = canonicalJson(containersOf(await stage.definitionOf(shell)).map(plain));
      const wanted = canonicalJson(containersOf(shellRelease).map(plain));
      expectThat(containers === wanted, "the containers differ from those that the pipeline registered");
    },
  },
  {
    name: "a tag event is lost",
    intro: "search gets the tag, but EventBridge loses the event. The sweep finds it.",
    play: async (stage) => {
      const { region } = search;
      stage.lab.faults.add({ kind: "lose-event", match: { detailType: awsDetailTypes.tag, region }, count: 1 });
      await stage.tag(search, { [ENROLL]: "true", ...identity("search") });
      await stage.minutes(1);
      expectThat(stage.rollsOf(search).length === 0, "the event was not lost");
      await enrolled(stage, search, 30);
    },
  },
  {
    name: "somebody deploys during a roll",
    intro: "checkout gets the tag. While it rolls, its pipeline deploys: the roll gives way, then converges.",
    play: async (stage) => {
      await stage.tag(checkout, { [ENROLL]: "true", ...identity("checkout") });
      await stage.until("rolling", 5, async () => (await stage.state(checkout))?.roll?.taskToken !== undefined);
      const release = released(await originalOf(stage, checkout), "checkout", "shop/checkout:42");
      await stage.deploy(checkout, release);
      await enrolled(stage, checkout, 30);
      const outcomes = stage.rollsOf(checkout).map(({ outcome }) => outcome);
      expectThat(outcomes.includes("superseded"), `no roll was superseded: ${outcomes.join(", ")}`);
      const images = containersOf(await stage.definitionOf(checkout)).map(({ image }) => image);
      expectThat(images.includes("shop/checkout:42"), "the pipeline's image is gone");
    },
  },
];

/** The first revision of the service's family: what its pipeline knows. */
async function originalOf(stage: LabDriver, service: ServiceName): Promise<JsonObject> {
  const { taskDefinition } = await stage.lab.call(service, "DescribeTaskDefinition", {
    taskDefinition: `${service.name}:1`,
  });
  if (!isJsonObject(taskDefinition)) throw new Error(`there is no ${service.name}:1`);
  const { family, networkMode, requiresCompatibilities, cpu, memory, taskRoleArn, executionRoleArn } = taskDefinition;
  const { containerDefinitions } = taskDefinition;
  const members = { family, networkMode, requiresCompatibilities, cpu, memory, taskRoleArn, executionRoleArn };
  return JSON.parse(JSON.stringify({ ...members, containerDefinitions }));
}

/** A container without the empty lists that ECS adds to what it describes. */
function plain(container: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(container).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  );
}
