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

/** A team creates its services, which share a service account. Its template may have a mistake. */
const newTeam: Burst = async (context) => {
  const { lab, actors, random } = context;
  const place = random.maybe(actors.services);
  if (!place || actors.existing().length >= 10) return;
  const { account, region, cluster } = place;
  const { enrollTagKey } = lab.config;
  const kind = random.pick(teamKinds);
  const team = `team-${actors.services.length}`;
  const own = { [enrollTagKey]: "true", [tagKeys.namespace]: team, [tagKeys.serviceAccount]: "app" };
  const tags = { ...own, ...(random.chance(0.3) && mistakeOf(context)) };
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

function mistakeOf({ lab, random }: CampaignContext): Record<string, string> {
  return random.pick<Record<string, string>>([
    { [lab.config.enrollTagKey]: "yes" },
    { [tagKeys.namespace]: "forbidden" },
    { [tagKeys.ports]: "nonsense" },
  ]);
}

/** A template with a mistake in a tag reaches several services, by one call or by two, maybe while a sweep begins. */
const sameMistake: Burst = async (context) => {
  const { lab, actors, random } = context;
  const { enrollTagKey } = lab.config;
  const mistake = mistakeOf(context);
  const tagged = random.some(actors.existing(), 0.6).flatMap((service) => {
    const tags = [{ [enrollTagKey]: "true", ...mistake }, ...random.some([{ [tagKeys.wave]: "canary" }], 0.5)];
    return tags.map((own) => actors.tag(service, own, enrollTagKey));
  });
  if (random.chance(0.6)) await beginSweep(context);
  await Promise.all(tagged);
};

/** A sweep begins. */
export const beginSweep: Burst = async ({ lab }) => void (await lab.lambda.invokeAsync("sweep-services", {}));

async function ask({ lab, actors, random }: CampaignContext, requestedBy: string): Promise<void> {
  const { currentRolloutId } = await lab.ledger.getFleet();
  if (currentRolloutId === undefined) return;
  const action = random.pick([...controlActions, "abort", "rollback", "rollback"] as const);
  const detail = { rolloutId: currentRolloutId, action, requestedBy };
  await actors.attempt(`${requestedBy} asks ${currentRolloutId} to ${action}`, () =>
    put(lab, "Rollout Control", detail),
  );
}

/** An operator asks something of the rollout that runs. */
export const oneOperator: Burst = (context) => ask(context, "olga");

/** Operators who don't know of each other, while the fleet's image changes. */
const operators: Burst = async (context) => {
  await Promise.all([ask(context, "olga"), ask(context, "otto")]);
};

/** A pipeline deploys while the owner changes tags. */
export const deployAndTag: Burst = async ({ lab, actors, random }) => {
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
  { weight: 5, of: newTeam },
  { weight: 4, of: sameMistake },
  { weight: 4, of: operators },
  { weight: 2, of: deployAndTag },
];
