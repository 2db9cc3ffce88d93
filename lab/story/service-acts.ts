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

/** Each service has its own service account, because a service account is bound to one role. */
const identity = (serviceAccount: string) => ({
  [tagKeys.namespace]: "ecs-shop",
  [tagKeys.serviceAccount]: serviceAccount,
});

async function enrolled(driver: LabDriver, service: ServiceName, withinMinutes = 15): Promise<void> {
  await driver.until(`${service.name} is enrolled`, withinMinutes, () => driver.ended(service, "succeeded"));
  expectThat(await driver.inMesh(service), `${service.name} has no ztunnel container`);
}

/** The definition with another image in the named container, as a pipeline registers it. */
function released(definition: JsonObject, container: string, image: string): JsonObject {
  const containerDefinitions = containersOf(definition).map((one) =>
    one.name === container ? { ...one, image } : one,
  );
  return { ...definition, containerDefinitions };
}

const shellRelease = released(shellDefinition, "shell", "curlimages/curl:8.17.0");

/** Acts about single services. */
export const serviceActs: readonly Act[] = [
  {
    name: "tag two services",
    intro: `The services of Solo's guide, shell-task and echo-service, get the tag ${ENROLL}=true.`,
    play: async (driver) => {
      await driver.tag(shell, { [ENROLL]: "true" });
      await driver.tag(echo, { [ENROLL]: "true" });
      await enrolled(driver, shell);
      await enrolled(driver, echo);
    },
  },
  {
    name: "a CI deployment without the sidecar",
    intro: "A pipeline that doesn't know the sidecar deploys a revision of shell-task without it.",
    play: async (driver) => {
      await driver.deploy(shell, shellRelease);
      await driver.until(
        "re-injected",
        15,
        async () => (await driver.inMesh(shell)) && driver.ended(shell, "succeeded"),
      );
      const images = containersOf(await driver.definitionOf(shell)).map(({ image }) => image);
      expectThat(images.includes("curlimages/curl:8.17.0"), "the pipeline's image was lost");
      await driver.until("Slack is notified", 2, () => driver.messagesAbout(shell).length >= 2);
    },
  },
  {
    name: "a service created with the tag, in another account",
    intro: "Somebody creates the service catalog with the enroll tag, in eu-west-1 of the second account.",
    play: async (driver) => {
      await createService(catalogService, (at, call, input) => driver.lab.call(at, call, input));
      await enrolled(driver, catalog);
    },
  },
  {
    name: "a ztunnel image that never becomes healthy",
    intro: "A tag pins echo-service to an image whose ztunnel doesn't become healthy.",
    play: async (driver) => {
      const good = await driver.revisionOf(echo);
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
      await driver.tag(echo, { [IMAGE]: BAD_IMAGE });
      await driver.until("the roll is reverted", 40, () => driver.ended(echo, "reverted"));
      expectThat((await driver.revisionOf(echo)) === good, "echo-service does not run its pinned last good revision");
      await driver.until("Slack is notified", 2, () =>
        driver.messagesAbout(echo).some((text) => text.includes("was reverted to the last good revision")),
      );
      const rolls = driver.rollsOf(echo).length;
      await driver.minutes(10);
      expectThat(driver.rollsOf(echo).length === rolls, "the same attempt was repeated within ten minutes");
      await driver.untag(echo, IMAGE);
      await driver.minutes(2);
      expectThat((await driver.revisionOf(echo)) === good, "removing the tag redeployed echo-service");
    },
  },
  {
    name: "two services that can't be enrolled",
    intro: "legacy-reports (bridge networking) and billing (CodeDeploy) get the tag.",
    play: async (driver) => {
      const before = [await driver.revisionOf(reports), await driver.revisionOf(billing)];
      await driver.tag(reports, { [ENROLL]: "true" });
      await driver.tag(billing, { [ENROLL]: "true" });
      await driver.until(
        "Slack is notified of both refusals",
        5,
        () => driver.messagesAbout(reports).length > 0 && driver.messagesAbout(billing).length > 0,
      );
      const after = [await driver.revisionOf(reports), await driver.revisionOf(billing)];
      expectThat(before.join() === after.join(), "a refused service was changed");
    },
  },
  {
    name: "untag shell-task",
    intro: "The tag of shell-task is removed. Its containers are again those that its pipeline registered.",
    play: async (driver) => {
      await driver.untag(shell, ENROLL);
      await driver.until("shell-task is unenrolled", 15, async () => (await driver.state(shell))?.enrolled === false);
      const containers = canonicalJson(containersOf(await driver.definitionOf(shell)).map(plain));
      const wanted = canonicalJson(containersOf(shellRelease).map(plain));
      expectThat(containers === wanted, "the containers differ from those that the pipeline registered");
    },
  },
  {
    name: "a tag event is lost",
    intro: "search gets the tag, but EventBridge loses the event. The sweep finds the service.",
    play: async (driver) => {
      const { region } = search;
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: awsDetailTypes.tag, region }, count: 1 });
      await driver.tag(search, { [ENROLL]: "true", ...identity("search") });
      await driver.minutes(1);
      expectThat(driver.rollsOf(search).length === 0, "the event was not lost");
      await enrolled(driver, search, 30);
    },
  },
  {
    name: "somebody deploys during a roll",
    intro: "checkout gets the tag. Its pipeline deploys during the roll. The roll yields, and the next one enrolls it.",
    play: async (driver) => {
      await driver.tag(checkout, { [ENROLL]: "true", ...identity("checkout") });
      await driver.until(
        "the roll waits for its deployment",
        5,
        async () => (await driver.state(checkout))?.roll?.taskToken !== undefined,
      );
      const release = released(await originalOf(driver, checkout), "checkout", "shop/checkout:42");
      await driver.deploy(checkout, release);
      await enrolled(driver, checkout, 30);
      const outcomes = driver.rollsOf(checkout).map(({ outcome }) => outcome);
      expectThat(outcomes.includes("superseded"), `no roll was superseded: ${outcomes.join(", ")}`);
      const images = containersOf(await driver.definitionOf(checkout)).map(({ image }) => image);
      expectThat(images.includes("shop/checkout:42"), "the pipeline's image was lost");
    },
  },
];

/** The first revision of the service's family, which its pipeline registered. */
async function originalOf(driver: LabDriver, service: ServiceName): Promise<JsonObject> {
  const { taskDefinition } = await driver.lab.call(service, "DescribeTaskDefinition", {
    taskDefinition: `${service.name}:1`,
  });
  if (!isJsonObject(taskDefinition)) throw new Error(`there is no ${service.name}:1`);
  const { family, networkMode, requiresCompatibilities, cpu, memory, taskRoleArn, executionRoleArn } = taskDefinition;
  const { containerDefinitions } = taskDefinition;
  const members = { family, networkMode, requiresCompatibilities, cpu, memory, taskRoleArn, executionRoleArn };
  return JSON.parse(JSON.stringify({ ...members, containerDefinitions }));
}

/** The container without the empty lists that ECS adds in descriptions. */
function plain(container: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(container).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
  );
}
