import { functions } from "../../stacks/definitions/functions.ts";
import { type CampaignContext, takeAction } from "./actions.ts";
import { beginSweep, deployAndTag, oneOperator } from "./bursts.ts";

type Act = (context: CampaignContext) => Promise<void>;

const anything: Act = takeAction;

/** What strikes while a step of a roll is at work. */
const duringRolls: readonly { readonly weight: number; readonly of: Act }[] = [
  { weight: 3, of: beginSweep },
  { weight: 2, of: deployAndTag },
  { weight: 2, of: anything },
];

/** What strikes while a step of a rollout is at work. */
const duringRollouts: readonly { readonly weight: number; readonly of: Act }[] = [
  { weight: 5, of: oneOperator },
  { weight: 1, of: beginSweep },
  { weight: 1, of: anything },
];

const steps = functions.filter(({ invocation }) => invocation === "synchronous").map(({ name }) => name);
const ofRollout = steps.filter((name) => name.startsWith("rollout/"));
const ofRoll = steps.filter((name) => !name.startsWith("rollout/"));

/**
 * Lets something happen while a step of a roll or of a rollout is at work: at random moments such a step is seldom
 * met, as it takes a second of an hour.
 */
export class AtSteps {
  readonly #waiting: { readonly name: string; readonly strike: () => Promise<void> }[] = [];
  readonly #under: Promise<void>[] = [];

  /** The next time that a random step makes a call, something happens up to two seconds later. */
  arm(context: CampaignContext): void {
    const { random } = context;
    const name = random.pick(random.chance(0.5) ? ofRollout : ofRoll);
    this.#arm(name, random.weighted(name.startsWith("rollout/") ? duringRollouts : duringRolls), context);
  }

  /** The next time that a rollout is about to end, an operator asks something of it. */
  armLastStep(context: CampaignContext): void {
    this.#arm("rollout/finish", oneOperator, context);
  }

  #arm(name: string, act: Act, context: CampaignContext): void {
    const { random, record, lab } = context;
    const delayMs = random.pick([0, 50, 150, 400, 1000, 2000]);
    const strike = async () => {
      await lab.clock.sleep(delayMs);
      record(`while ${name} is at work:`);
      await act(context);
    };
    this.#waiting.push({ name, strike });
  }

  /** To be called with each function that makes a call. */
  onCall(name: string): void {
    const nth = this.#waiting.findIndex((one) => one.name === name);
    if (nth < 0) return;
    for (const { strike } of this.#waiting.splice(nth, 1)) this.#under.push(strike());
  }

  /** Nothing new happens at a step any more; ends when what has begun has ended. */
  async end(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.all(this.#under);
  }
}
