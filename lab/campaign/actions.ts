import { nextRootCaPem, rootCaPem } from "@ztunnel-autopilot/simulator";
import type { Json, JsonObject } from "../../shared/base/json.ts";
import {
  AUTOPILOT_TAG_PREFIX,
  type AutopilotDetailType,
  eventSources,
  type OperatorDetailType,
  tagKeys,
} from "../../shared/base/vocabulary.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { controlActions } from "../../shared/events/operator.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { type Actors, label, type OwnedService } from "./actors.ts";
import { ALARM, BAD_APPLICATION, IMAGE_PARAMETER, images } from "./campaign-fleet.ts";
import type { RandomChoice } from "./random-choice.ts";

/** Whom and what a happening works with. */
export interface CampaignContext {
  readonly lab: Lab;
  readonly people: Actors;
  readonly dice: RandomChoice;
  readonly tell: (line: string) => void;
}

type Action = (scene: CampaignContext) => Promise<void>;

/** Lets one thing happen that people do: an owner, a pipeline, the mesh's team, an operator. */
export async function takeAction(scene: CampaignContext): Promise<void> {
  await scene.dice.weighted(actions)(scene);
}

/** What tells a malformed event that was sent on purpose from all others. */
export const MALFORMED = "malformed on purpose";

const someService = ({ people, dice }: CampaignContext): OwnedService | undefined => dice.maybe(people.living());

const withService =
  (act: (service: OwnedService, scene: CampaignContext) => Promise<void>): Action =>
  async (scene) => {
    const service = someService(scene);
    if (service) await act(service, scene);
  };

const enroll = withService((service, { people, dice, lab }) => {
  const { enrollTagKey } = lab.config;
  const own = { [tagKeys.namespace]: `team-${service.name}`, [tagKeys.serviceAccount]: "app" };
  const tags = { [enrollTagKey]: dice.pick(["true", "true", "true", "false", "yes"]), ...(dice.chance(0.8) && own) };
  return people.tag(service, tags, enrollTagKey);
});

const leave = withService((service, { people, lab }) => people.untag(service, lab.config.enrollTagKey));

const changeTags = withService((service, { people, dice, lab }) => {
  const tags = dice.pick<Record<string, string>>([
    { [tagKeys.image]: dice.pick([...images.good, images.bad, "not an image"]) },
    { [tagKeys.wave]: "canary" },
    { [tagKeys.proxyEnv]: dice.pick(["true", "false"]) },
    { [tagKeys.external]: dice.pick(["true", "false"]) },
    { [tagKeys.alarms]: ALARM },
    { [tagKeys.ports]: dice.pick(["http:80:8080", "nonsense"]) },
    { [tagKeys.namespace]: dice.pick([`team-${service.name}`, "team-0", "forbidden"]) },
    { [tagKeys.serviceAccount]: dice.pick(["app", "other"]) },
    { [`${AUTOPILOT_TAG_PREFIX}enrol`]: "true" },
  ]);
  return people.tag(service, tags, lab.config.enrollTagKey);
});

const dropTag = withService((service, { people, dice }) => people.untag(service, dice.pick(Object.values(tagKeys))));

const tagCluster = withService((service, { people, dice, lab }) => {
  const { enrollTagKey } = lab.config;
  return dice.chance(0.6)
    ? people.tagCluster(service, { [enrollTagKey]: dice.pick(["true", "false"]) }, enrollTagKey)
    : people.untagCluster(service, enrollTagKey);
});

const deploy = withService((service, { people, dice }) => {
  const image = dice.chance(0.2) ? BAD_APPLICATION : `shop/${service.name}:${dice.int(2, 99)}`;
  return people.deploy(service, image, dice.pick(["plain", "copied"]));
});

const redeploy = withService((service, { people, dice }) =>
  people.redeploy(service, dice.chance(0.5) ? undefined : dice.maybe(service.revisions)),
);

const scale = withService((service, { people, dice }) => people.scale(service, dice.int(0, 3)));

const remove = withService((service, { people }) => people.delete(service));

const create: Action = async ({ people, dice, lab }) => {
  const place = dice.maybe(people.services);
  if (!place || people.living().length >= 10) return;
  const gone = people.services.filter(({ deleted }) => deleted);
  const name = gone[0] && dice.chance(0.4) ? gone[0].name : `extra-${people.services.length}`;
  const { account, region, cluster } = gone[0]?.name === name ? gone[0] : place;
  const { enrollTagKey } = lab.config;
  const tagged = { [enrollTagKey]: "true", [tagKeys.namespace]: `team-${name}`, [tagKeys.serviceAccount]: "app" };
  await people.create({ account, region, cluster, name }, dice.chance(0.7) ? tagged : {}, enrollTagKey);
};

const bundles = {
  old: rootCaPem,
  both: `${rootCaPem}${nextRootCaPem}`,
  "new alone": nextRootCaPem,
  garbage: "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n",
  empty: "",
} as const;
const bundleNames = ["old", "both", "both", "both", "new alone", "new alone", "garbage", "empty"] as const;

const changeRootCa: Action = async ({ lab, dice, people, tell }) => {
  const [name, plane] = dice.pick([...lab.controlPlanes]);
  const bundle = dice.pick(bundleNames);
  plane.setRootCa(bundles[bundle]);
  tell(`the root CA of ${name}: ${bundle}`);
  if (dice.chance(0.4)) return;
  const detail: JsonObject = dice.chance(0.5) ? { controlPlane: name } : {};
  await people.attempt(`a pipeline says so`, () => put(lab, "Root CA Rotated", detail));
};

const changeImage: Action = async ({ lab, dice, people }) => {
  const image = dice.pick([...images.good, ...images.good, images.bad, images.badInOneRegion, "not an image"]);
  const { homeAccount: account, homeRegion: region } = lab.config;
  const input = { Name: IMAGE_PARAMETER, Value: image, Type: "String", Overwrite: true };
  await people.attempt(`the fleet's image parameter: ${image}`, () =>
    lab.call({ account, region }, "PutParameter", input, "AmazonSSM"),
  );
};

const request: Action = async (scene) => {
  const { lab, dice, people } = scene;
  const detail = await requestOf(scene);
  await people.attempt(`an operator requests ${JSON.stringify(detail)}`, () => put(lab, "Rollout Requested", detail));
  if (dice.chance(0.2)) await put(lab, "Rollout Requested", detail).catch(() => undefined);
};

async function requestOf(scene: CampaignContext): Promise<JsonObject> {
  const { dice, lab } = scene;
  const kind = dice.pick(["rotate", "upgrade", "upgrade", "upgrade", "reconfigure", "rollback", "unenroll", "dance"]);
  if (kind === "rollback") return { kind, rolloutId: await someRollout(scene), requestedBy: "olga" };
  const image = dice.pick([...images.good, ...images.good, images.bad, images.badInOneRegion, "not an image"]);
  const brings = kind === "upgrade" ? dice.chance(0.95) : dice.chance(0.03);
  return {
    kind: kind === "unenroll" && dice.chance(0.5) ? "rotate" : kind,
    ...(brings && { image }),
    ...(dice.chance(0.6) && { scope: scopeOf(scene) }),
    ...(dice.chance(0.3) && { rolloutId: `by-hand-${dice.int(1, 5)}` }),
    ...(dice.chance(0.4) && { overrides: overridesOf(dice) }),
    ...(dice.chance(0.7) && { requestedBy: "olga" }),
    ...(dice.chance(0.03) && { nonsense: true }),
    why: "the campaign",
    ...(lab.config.controlPlanes.length > 5 && { why: "" }),
  };
}

function scopeOf({ dice, lab, people }: CampaignContext): JsonObject {
  const service = dice.maybe(people.services);
  return dice.pick<JsonObject>([
    { controlPlane: dice.pick([...lab.controlPlanes.keys(), "nowhere"]) },
    { accounts: [service?.account ?? "123456789012"] },
    { regions: [service?.region ?? "us-*"] },
    { services: ["service-*"] },
    { services: [service?.name ?? "nothing"] },
    { services: ["nothing-at-all"] },
    { clusters: [service?.cluster ?? "fleet-0"], regions: ["*"] },
    { services: [] },
  ]);
}

function overridesOf(dice: RandomChoice): JsonObject {
  return dice.pick<JsonObject>([
    { ignoreFreeze: true },
    { concurrency: 0, bakeMinutes: 0, canaryCount: 0, waves: [100] },
    { approveAfterCanary: true },
    { failureBudget: { perWave: { percent: 100 } } },
    { bakeMinutes: 10 },
    { waves: [50] },
  ]);
}

async function someRollout({ lab, dice }: Pick<CampaignContext, "lab" | "dice">): Promise<string> {
  const known = await Array.fromAsync(lab.ledger.listRollouts());
  const latest = known.sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1)).slice(0, 4);
  return dice.maybe(latest.map(({ id }) => id)) ?? "no-such-rollout";
}

const control: Action = async (scene) => {
  const { lab, dice, people } = scene;
  const running = (await lab.ledger.getFleet()).currentRolloutId;
  const rolloutId = running !== undefined && dice.chance(0.8) ? running : await someRollout(scene);
  const action = dice.pick([...controlActions, "pause", "resume", "explode"]);
  const detail = {
    rolloutId,
    action: action === "explode" && dice.chance(0.5) ? "abort" : action,
    requestedBy: "olga",
  };
  await people.attempt(`an operator asks ${rolloutId} to ${detail.action}`, () => put(lab, "Rollout Control", detail));
};

const alarm: Action = async ({ lab, dice, people }) => {
  const { homeAccount: account, homeRegion: region } = lab.config;
  const at = dice.chance(0.7) ? { account, region } : (dice.maybe(people.services) ?? { account, region });
  const state = dice.pick(["ALARM", "OK", "OK", "INSUFFICIENT_DATA"]);
  await people.attempt(`the alarm ${ALARM} in ${at.region}: ${state}`, () => setAlarm(lab, at, state));
};

/** Makes the alarm if there is none, and gives it the state. */
export async function setAlarm(
  lab: Lab,
  { account, region }: { readonly account: string; readonly region: string },
  state: string,
): Promise<void> {
  const cloudWatch = lab.cloudWatch.operations;
  const at = { account, region };
  const made = { AlarmName: ALARM, EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold" };
  await cloudWatch.PutMetricAlarm?.(made, at);
  await cloudWatch.SetAlarmState?.({ AlarmName: ALARM, StateValue: state, StateReason: "the campaign" }, at);
}

const malformed: Action = async ({ lab, dice, tell }) => {
  const source = dice.pick([eventSources.autopilot, eventSources.operator]);
  const type = dice.pick<AutopilotDetailType | OperatorDetailType>([
    "Service Enrolled",
    "Rollout Completed",
    "Rollout Control",
    "Rollout Requested",
    "Root CA Rotated",
  ]);
  tell(`somebody puts a malformed event ${type} of ${source} on the bus`);
  await put(lab, type, { serviceArn: 7, why: MALFORMED, controlPlane: 1 }, source).catch(() => undefined);
};

/** Puts an event on the home bus. Throws while AWS fails. */
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

const stopTask = withService(async (service, { lab, people, dice }) => {
  const task = dice.maybe([...(lab.ecs.findService(arnOf(service))?.tasks ?? [])]);
  if (!task) return;
  await people.attempt(`somebody stops a task of ${label(service)}`, () =>
    lab.call(service, "StopTask", { cluster: service.cluster, task: task.arn }),
  );
});

const actions: readonly { readonly weight: number; readonly of: Action }[] = [
  { weight: 10, of: enroll },
  { weight: 4, of: leave },
  { weight: 8, of: changeTags },
  { weight: 4, of: dropTag },
  { weight: 2, of: tagCluster },
  { weight: 14, of: deploy },
  { weight: 4, of: redeploy },
  { weight: 5, of: scale },
  { weight: 3, of: remove },
  { weight: 4, of: create },
  { weight: 2, of: stopTask },
  { weight: 10, of: changeRootCa },
  { weight: 8, of: changeImage },
  { weight: 10, of: request },
  { weight: 12, of: control },
  { weight: 5, of: alarm },
  { weight: 1, of: malformed },
];
