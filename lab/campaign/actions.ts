import { nextRootCaPem, rootCaPem } from "@ztunnel-autopilot/simulator";
import type { Json, JsonObject } from "../../shared/base/json.ts";
import {
  AUTOPILOT_TAG_PREFIX,
  type AutopilotDetailType,
  DISCOVERY_TAG,
  eventSources,
  type OperatorDetailType,
  tagKeys,
} from "../../shared/base/vocabulary.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { controlActions } from "../../shared/events/operator.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { type Actors, label, type OwnedService } from "./actors.ts";
import { ALARM, BAD_APPLICATION, images } from "./campaign-fleet.ts";
import type { RandomChoice } from "./random-choice.ts";
import { fight, putBack, renewRoot, withdrawImage, writeImage } from "./writers.ts";

/** What an action works with. */
export interface CampaignContext {
  readonly lab: Lab;
  readonly actors: Actors;
  readonly random: RandomChoice;
  readonly record: (line: string) => void;
}

type Action = (context: CampaignContext) => Promise<void>;

/** Takes one random action, as a service's owner, a pipeline, the mesh's team or an operator would. */
export async function takeAction(context: CampaignContext): Promise<void> {
  await context.random.weighted(actions)(context);
}

/** Marks an event that an action malformed on purpose. */
export const MALFORMED = "malformed on purpose";

const someService = ({ actors, random }: CampaignContext): OwnedService | undefined => random.maybe(actors.existing());

const withService =
  (act: (service: OwnedService, context: CampaignContext) => Promise<void>): Action =>
  async (context) => {
    const service = someService(context);
    if (service) await act(service, context);
  };

const enroll = withService((service, { actors, random, lab }) => {
  const { enrollTagKey } = lab.config;
  const own = { [tagKeys.namespace]: `team-${service.name}`, [tagKeys.serviceAccount]: "app" };
  const tags = {
    [enrollTagKey]: random.pick(["true", "true", "true", "false", "yes"]),
    ...(random.chance(0.8) && own),
  };
  return actors.tag(service, tags, enrollTagKey);
});

const unenroll = withService((service, { actors, lab }) => actors.untag(service, lab.config.enrollTagKey));

const changeTags = withService((service, { actors, random, lab }) => {
  const tags = random.pick<Record<string, string>>([
    { [tagKeys.image]: random.pick([...images.good, images.bad, "not an image"]) },
    { [tagKeys.wave]: "canary" },
    { [tagKeys.proxyEnv]: random.pick(["true", "false"]) },
    { [tagKeys.external]: random.pick(["true", "false"]) },
    { [tagKeys.alarms]: ALARM },
    { [tagKeys.ports]: random.pick(["http:80:8080", "@here: see https://evil.example/fix"]) },
    { [tagKeys.namespace]: random.pick([`team-${service.name}`, "team-0", "forbidden"]) },
    { [tagKeys.serviceAccount]: random.pick(["app", "other"]) },
    { [`${AUTOPILOT_TAG_PREFIX}enrol`]: "true" },
  ]);
  return actors.tag(service, tags, lab.config.enrollTagKey);
});

const dropTag = withService((service, { actors, random }) =>
  actors.untag(service, random.pick(Object.values(tagKeys))),
);

const tagCluster = withService((service, { actors, random, lab }) => {
  const { enrollTagKey } = lab.config;
  return random.chance(0.6)
    ? actors.tagCluster(service, { [enrollTagKey]: random.pick(["true", "false"]) }, enrollTagKey)
    : actors.untagCluster(service, enrollTagKey);
});

/** What istiod needs outside of the task definition. */
const takeAway = withService((service, { actors, random }) => {
  switch (random.int(0, 3)) {
    case 0:
    case 1:
      return actors.untagCluster(service, DISCOVERY_TAG);
    case 2:
      return actors.stopPropagating(service);
    default:
      return actors.retagTask(service);
  }
});

const deploy = withService((service, { actors, random }) => {
  const image = random.chance(0.2) ? BAD_APPLICATION : `shop/${service.name}:${random.int(2, 99)}`;
  return actors.deploy(service, image, random.pick(["plain", "copied"]));
});

const redeploy = withService((service, { actors, random }) =>
  actors.redeploy(service, random.chance(0.5) ? undefined : random.maybe(service.revisions)),
);

const scale = withService((service, { actors, random }) => actors.scale(service, random.int(0, 3)));

const remove = withService((service, { actors }) => actors.delete(service));

const create: Action = async ({ actors, random, lab }) => {
  const place = random.maybe(actors.services);
  if (!place || actors.existing().length >= 10) return;
  const deleted = actors.services.filter((service) => service.deleted);
  const name = deleted[0] && random.chance(0.4) ? deleted[0].name : `extra-${actors.services.length}`;
  const { account, region, cluster } = deleted[0]?.name === name ? deleted[0] : place;
  const { enrollTagKey } = lab.config;
  const tagged = { [enrollTagKey]: "true", [tagKeys.namespace]: `team-${name}`, [tagKeys.serviceAccount]: "app" };
  await actors.create({ account, region, cluster, name }, random.chance(0.7) ? tagged : {}, enrollTagKey);
};

const bundles = {
  old: rootCaPem,
  both: `${rootCaPem}${nextRootCaPem}`,
  "new alone": nextRootCaPem,
  garbage: "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n",
  empty: "",
} as const;
const bundleNames = ["old", "both", "both", "both", "new alone", "new alone", "garbage", "empty"] as const;

const changeRootCa: Action = async ({ lab, random, actors, record }) => {
  const [name, plane] = random.pick([...lab.controlPlanes]);
  const bundle = random.pick(bundleNames);
  plane.setRootCa(bundles[bundle]);
  record(`the root CA of ${name} changes: ${bundle}`);
  if (random.chance(0.4)) return;
  const detail: JsonObject = random.chance(0.5) ? { controlPlane: name } : {};
  await actors.attempt("a pipeline announces the new root CA", () => put(lab, "Root CA Rotated", detail));
};

const changeImage: Action = (context) =>
  writeImage(
    context,
    context.random.pick([...images.good, ...images.good, images.bad, images.badInOneRegion, "not an image"]),
  );

const request: Action = async (context) => {
  const { lab, random, actors } = context;
  const detail = await requestOf(context);
  await actors.attempt(`an operator requests ${JSON.stringify(detail)}`, () => put(lab, "Rollout Requested", detail));
  if (random.chance(0.2)) await put(lab, "Rollout Requested", detail).catch(() => undefined);
};

async function requestOf(context: CampaignContext): Promise<JsonObject> {
  const { random, lab } = context;
  const kind = random.pick(["rotate", "upgrade", "upgrade", "upgrade", "reconfigure", "rollback", "unenroll", "dance"]);
  if (kind === "rollback") return { kind, rolloutId: await someRollout(context), requestedBy: "olga" };
  const image = random.pick([...images.good, ...images.good, images.bad, images.badInOneRegion, "not an image"]);
  const hasImage = kind === "upgrade" ? random.chance(0.95) : random.chance(0.03);
  return {
    kind: kind === "unenroll" && random.chance(0.5) ? "rotate" : kind,
    ...(hasImage && { image }),
    ...(random.chance(0.6) && { scope: scopeOf(context) }),
    ...(random.chance(0.3) && { rolloutId: `by-hand-${random.int(1, 5)}` }),
    ...(random.chance(0.4) && { overrides: overridesOf(random) }),
    ...(random.chance(0.7) && { requestedBy: "olga" }),
    ...(random.chance(0.03) && { nonsense: true }),
    why: "the campaign",
    ...(lab.config.controlPlanes.length > 5 && { why: "" }),
  };
}

function scopeOf({ random, lab, actors }: CampaignContext): JsonObject {
  const service = random.maybe(actors.services);
  return random.pick<JsonObject>([
    { controlPlane: random.pick([...lab.controlPlanes.keys(), "nowhere"]) },
    { accounts: [service?.account ?? "123456789012"] },
    { regions: [service?.region ?? "us-*"] },
    { services: ["service-*"] },
    { services: [service?.name ?? "nothing"] },
    { services: ["nothing-at-all"] },
    { clusters: [service?.cluster ?? "fleet-0"], regions: ["*"] },
    { services: [] },
  ]);
}

function overridesOf(random: RandomChoice): JsonObject {
  return random.pick<JsonObject>([
    { ignoreFreeze: true },
    { concurrency: 0, bakeMinutes: 0, canaryCount: 0, waves: [100] },
    { approveAfterCanary: true },
    { failureBudget: { perWave: { percent: 100 } } },
    { bakeMinutes: 10 },
    { waves: [50] },
  ]);
}

async function someRollout({ lab, random }: Pick<CampaignContext, "lab" | "random">): Promise<string> {
  const known = await Array.fromAsync(lab.ledger.listRollouts());
  const latest = known.sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1)).slice(0, 4);
  return random.maybe(latest.map(({ id }) => id)) ?? "no-such-rollout";
}

const control: Action = async (context) => {
  const { lab, random, actors } = context;
  const running = (await lab.ledger.getFleet()).currentRolloutId;
  const rolloutId = running !== undefined && random.chance(0.8) ? running : await someRollout(context);
  const action = random.pick([...controlActions, "pause", "resume", "explode"]);
  const detail = {
    rolloutId,
    action: action === "explode" && random.chance(0.5) ? "abort" : action,
    requestedBy: "olga",
  };
  await actors.attempt(`an operator asks ${rolloutId} to ${detail.action}`, () => put(lab, "Rollout Control", detail));
};

const alarm: Action = async ({ lab, random, actors }) => {
  const { homeAccount: account, homeRegion: region } = lab.config;
  const at = random.chance(0.7) ? { account, region } : (random.maybe(actors.services) ?? { account, region });
  const state = random.pick(["ALARM", "OK", "OK", "INSUFFICIENT_DATA"]);
  await actors.attempt(`the alarm ${ALARM} in ${at.region}: ${state}`, () => setAlarm(lab, at, state));
};

/** Creates the alarm if it doesn't exist, and sets its state. */
export async function setAlarm(
  lab: Lab,
  { account, region }: { readonly account: string; readonly region: string },
  state: string,
): Promise<void> {
  const cloudWatch = lab.cloudWatch.operations;
  const at = { account, region };
  const definition = { AlarmName: ALARM, EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold" };
  await cloudWatch.PutMetricAlarm?.(definition, at);
  await cloudWatch.SetAlarmState?.({ AlarmName: ALARM, StateValue: state, StateReason: "the campaign" }, at);
}

const malformed: Action = async ({ lab, random, record }) => {
  const source = random.pick([eventSources.autopilot, eventSources.operator]);
  const type = random.pick<AutopilotDetailType | OperatorDetailType>([
    "Service Enrolled",
    "Rollout Completed",
    "Rollout Control",
    "Rollout Requested",
    "Root CA Rotated",
  ]);
  record(`somebody puts a malformed event ${type} of ${source} on the bus`);
  await put(lab, type, { serviceArn: 7, why: MALFORMED, controlPlane: 1 }, source).catch(() => undefined);
};

/** Puts an event on the home bus. Throws while PutEvents fails. */
export async function put(
  lab: Lab,
  detailType: AutopilotDetailType | OperatorDetailType,
  detail: Json,
  source: string = eventSources.operator,
): Promise<void> {
  const { homeAccount: account, homeRegion: region } = lab.config;
  const entry = {
    Source: source,
    DetailType: detailType,
    Detail: JSON.stringify(detail),
    EventBusName: resourceNames(lab.config).busName,
  };
  await lab.call({ account, region }, "PutEvents", { Entries: [entry] }, "AWSEvents");
}

const stopTask = withService(async (service, { lab, actors, random }) => {
  const task = random.maybe([...(lab.ecs.findService(arnOf(service))?.tasks ?? [])]);
  if (!task) return;
  await actors.attempt(`somebody stops a task of ${label(service)}`, () =>
    lab.call(service, "StopTask", { cluster: service.cluster, task: task.arn }),
  );
});

const actions: readonly { readonly weight: number; readonly of: Action }[] = [
  { weight: 10, of: enroll },
  { weight: 4, of: unenroll },
  { weight: 8, of: changeTags },
  { weight: 4, of: dropTag },
  { weight: 2, of: tagCluster },
  { weight: 3, of: takeAway },
  { weight: 14, of: deploy },
  { weight: 4, of: redeploy },
  { weight: 5, of: scale },
  { weight: 3, of: remove },
  { weight: 4, of: create },
  { weight: 2, of: stopTask },
  { weight: 10, of: changeRootCa },
  { weight: 8, of: changeImage },
  { weight: 3, of: withdrawImage },
  { weight: 3, of: renewRoot },
  { weight: 1, of: fight },
  { weight: 1, of: putBack },
  { weight: 10, of: request },
  { weight: 12, of: control },
  { weight: 5, of: alarm },
  { weight: 1, of: malformed },
];
