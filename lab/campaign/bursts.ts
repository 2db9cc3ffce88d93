import { tagKeys } from "../../shared/base/vocabulary.ts";
import { controlActions } from "../../shared/events/operator.ts";
import { type CampaignContext, put, takeAction } from "./actions.ts";
import { plainDefinition } from "./actors.ts";

type Burst = (context: CampaignContext) => Promise<void>;

/** Lets several things happen at the same moment, so that what the autopilot does about them overlaps. */
export async function takeBurst(context: CampaignContext): Promise<void> {
  context.record("at the same moment:");
  await context.random.weighted(bursts)(context);
}

const anyActions: Burst = async (context) => {
  await Promise.all(Array.from({ length: context.random.int(2, 4) }, () => takeAction(context)));
};

/** What the services of a team have in common, beside their identity. */
const teamKinds = ["one role", "one role", "a role each", "one role and one family"] as const;

/** A team creates its services, which share a service account. */
const newTeam: Burst = async ({ lab, actors, random }) => {
  const place = random.maybe(actors.services);
  if (!place || actors.existing().length >= 10) return;
  const { account, region, cluster } = place;
  const { enrollTagKey } = lab.config;
  const kind = random.pick(teamKinds);
  const team = `team-${actors.services.length}`;
  const tags = { [enrollTagKey]: "true", [tagKeys.namespace]: team, [tagKeys.serviceAccount]: "app" };
  const names = ["a", "b", "c"].slice(0, random.int(2, 3)).map((nth) => `${team}-${nth}`);
  await Promise.all(
    names.map((name) => {
      const service = { account, region, cluster, name };
      const definition = {
        ...plainDefinition(service),
        ...(kind !== "a role each" && { taskRoleArn: `arn:aws:iam::${account}:role/${team}-task` }),
        ...(kind === "one role and one family" && { family: team }),
      };
      return actors.create(service, tags, enrollTagKey, definition);
    }),
  );
};

/** A template with a mistake in a tag reaches several services. */
const sameMistake: Burst = async ({ lab, actors, random }) => {
  const { enrollTagKey } = lab.config;
  const mistake = random.pick<Record<string, string>>([
    { [enrollTagKey]: "yes" },
    { [tagKeys.namespace]: "forbidden" },
    { [tagKeys.ports]: "nonsense" },
  ]);
  await Promise.all(
    random.some(actors.existing(), 0.6).map((service) => {
      return actors.tag(service, { [enrollTagKey]: "true", ...mistake }, enrollTagKey);
    }),
  );
};

/** Operators who don't know of each other, while the fleet's image changes. */
const operators: Burst = async ({ lab, actors, random }) => {
  const { currentRolloutId } = await lab.ledger.getFleet();
  if (currentRolloutId === undefined) return;
  const ask = (requestedBy: string) => {
    const action = random.pick([...controlActions, "abort", "rollback"] as const);
    const detail = { rolloutId: currentRolloutId, action, requestedBy };
    return actors.attempt(`${requestedBy} asks ${currentRolloutId} to ${detail.action}`, () =>
      put(lab, "Rollout Control", detail),
    );
  };
  await Promise.all([ask("olga"), ask("otto")]);
};

/** A pipeline deploys while the owner changes tags. */
const deployAndTag: Burst = async ({ lab, actors, random }) => {
  const service = random.maybe(actors.existing());
  if (!service) return;
  const { enrollTagKey } = lab.config;
  await Promise.all([
    actors.deploy(service, `shop/${service.name}:${random.int(100, 199)}`, random.pick(["plain", "copied"])),
    random.chance(0.5)
      ? actors.untag(service, enrollTagKey)
      : actors.tag(service, { [enrollTagKey]: "true" }, enrollTagKey),
  ]);
};

const bursts: readonly { readonly weight: number; readonly of: Burst }[] = [
  { weight: 4, of: anyActions },
  { weight: 3, of: newTeam },
  { weight: 2, of: sameMistake },
  { weight: 4, of: operators },
  { weight: 2, of: deployAndTag },
];
