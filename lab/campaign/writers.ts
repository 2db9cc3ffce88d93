import { nextRootCaPem, renewedRootCaPem, rootCaPem } from "@ztunnel-autopilot/simulator";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import { type Actors, label } from "./actors.ts";
import { IMAGE, IMAGE_PARAMETER, images } from "./campaign-fleet.ts";
import type { RandomChoice } from "./random-choice.ts";

/** What the writers of the fleet's values work with. */
interface WriterContext {
  readonly lab: Lab;
  readonly actors: Actors;
  readonly random: RandomChoice;
  readonly record: (line: string) => void;
}

/** Somebody sets the fleet's image parameter. */
export async function writeImage({ lab, actors }: Pick<WriterContext, "lab" | "actors">, image: string): Promise<void> {
  const { homeAccount: account, homeRegion: region } = lab.config;
  const input = { Name: IMAGE_PARAMETER, Value: image, Type: "String", Overwrite: true };
  await actors.attempt(`somebody sets the fleet's image parameter: ${image}`, () =>
    lab.call({ account, region }, "PutParameter", input, "AmazonSSM"),
  );
}

/** A change of the image is withdrawn: the parameter has the fleet's first image again. */
export function withdrawImage(context: WriterContext): Promise<void> {
  return writeImage(context, IMAGE);
}

/** A root is renewed with its key, alone or beside the next one. */
export async function renewRoot({ lab, random, record }: WriterContext): Promise<void> {
  const [name, plane] = random.pick([...lab.controlPlanes]);
  const withNext = random.chance(0.3);
  plane.setRootCa(withNext ? `${renewedRootCaPem}${nextRootCaPem}` : renewedRootCaPem);
  record(`the root CA of ${name} changes: renewed with its key${withNext ? ", and the next one" : ""}`);
}

/** Two writers put their own value back in turns: of a control plane's root CA, or of the image's parameter. */
export async function fight(context: WriterContext): Promise<void> {
  const { lab, random, record } = context;
  const turns = random.int(4, 10);
  const [name, plane] = random.pick([...lab.controlPlanes]);
  const pair = random.pick([images.good.slice(0, 2), [IMAGE, images.good[0]]]);
  const isRoot = random.chance(0.5);
  record(`two writers fight over ${isRoot ? `the root CA of ${name}` : "the image's parameter"}`);
  for (let turn = 0; turn < turns; turn += 1) {
    if (isRoot) plane.setRootCa(turn % 2 === 0 ? `${rootCaPem}${nextRootCaPem}` : rootCaPem);
    else await writeImage(context, pair[turn % 2] ?? IMAGE);
    await lab.clock.sleep(random.int(30, 300) * 1000);
  }
}

/** Another controller deploys its own revision of a service whenever the service runs another one. */
export async function putBack({ lab, actors, random, record }: WriterContext): Promise<void> {
  const service = random.maybe(actors.existing());
  const theirs = service && random.maybe(service.revisions);
  if (!service || theirs === undefined) return;
  record(`another controller puts ${theirs.split("/").at(-1)} back to ${label(service)} each minute`);
  for (let minute = random.int(5, 20); minute > 0; minute -= 1) {
    const primary = lab.ecs.findService(arnOf(service))?.deployments[0];
    if (primary && primary.revision.arn !== theirs) await actors.redeploy(service, theirs);
    await lab.clock.sleep(60_000);
  }
}
