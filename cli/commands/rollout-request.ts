import { Argument, Option } from "commander";
import * as z from "zod";
import { AutopilotError } from "../../shared/base/errors.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { nearest } from "../../shared/base/nearest.ts";
import { type Config, targetsOf } from "../../shared/config/config.ts";
import { openWindow } from "../../shared/config/freeze.ts";
import { endedStatuses, overridesSchema, requestedKinds, scopeSchema } from "../../shared/model/rollout.ts";
import { allowedImage, checkedImage } from "../../shared/use-cases/rollout/validate.ts";
import { rolloutLines, rolloutReasonLines } from "../render/rollout.ts";
import { styler } from "../render/style.ts";
import { newRolloutId, sendRequest } from "../rollouts/send.ts";
import { type RolloutView, viewJson } from "../rollouts/view.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { type CliContext, hasColor } from "../runtime/context.ts";
import { exitCodes, UsageError } from "../runtime/exit-codes.ts";
import { connectOperator, type Operator } from "../runtime/operator.ts";
import {
  checkedValues,
  jsonOption,
  scopeOptions,
  scopeShape,
  switchShape,
  whereOptions,
  whereShape,
} from "../runtime/options.ts";
import { rolloutReader } from "./rollout-status.ts";
import { watchRollout } from "./watch-rollout.ts";

/** Options of every command that requests a rollout. */
export const paceOptions: readonly Option[] = [
  new Option("--why <TEXT>", "why, for the record and for Slack"),
  new Option("--waves <P,P,100>", "cumulative percentages of a region's services, as in 10,50,100"),
  new Option("--concurrency <N>", "rolls at a time in one account and region; 0: as many as AWS's quotas let start"),
  new Option("--bake <MINUTES>", "how long a wave is left alone before it is judged again"),
  new Option("--override", "go on although a freeze window is open; who did so is recorded"),
  new Option("--approve-after-canary", "hold after the canary wave until somebody approves"),
  new Option("--watch", "show the rollout until it has ended"),
];

const BEGIN_MS = 15_000;
const shape = overridesSchema.unwrap().shape;
const number = z.string().transform((text, context) => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  context.addIssue(`${text} is not a number`);
  return z.NEVER;
});

/** The values of every command that requests a rollout. */
export const requestSchema = z.object({
  ...whereShape,
  ...scopeShape,
  image: z.string().optional(),
  controlPlane: z.string().optional(),
  why: z.string().max(500).default(""),
  waves: z
    .string()
    .transform((text) => text.split(",").map(Number))
    .pipe(shape.waves.unwrap())
    .optional(),
  concurrency: number.pipe(shape.concurrency.unwrap()).optional(),
  bake: number.pipe(shape.bakeMinutes.unwrap()).optional(),
  override: z.boolean().optional(),
  approveAfterCanary: z.boolean().optional(),
  watch: switchShape,
  json: switchShape,
});
export type RequestValues = z.output<typeof requestSchema>;

/** A fleet is unenrolled by a command of its own. */
const offeredKinds = requestedKinds.filter((kind) => kind !== "unenroll");
/** The choices are for the help and for completion. `checkedRequest` refuses other kinds, with a hint for each. */
const kindArgument = new Argument("<KIND>", "what is rolled out")
  .choices(offeredKinds)
  .argParser((kind: string) => kind);

export const rolloutRequestCommand: CliCommand = {
  define: () =>
    newCommand(
      "request",
      "Requests a rollout over the enrolled services.",
      [
        new Option("--image <IMAGE>", "the ztunnel image of an upgrade"),
        new Option("--control-plane <NAME>", "only services of this control plane"),
        ...scopeOptions,
        ...paceOptions,
        jsonOption,
        ...whereOptions,
      ],
      `
rotate       the newest root CA and other mesh facts
upgrade      another ztunnel image (--image)
reconfigure  the sidecar settings of the configuration and the release

What is not given is as the configuration's policy.rollout says. The whole fleet
leaves the mesh by \`unenroll --all\`, single services by their tag.`,
    ).addArgument(kindArgument),
  run: async ({ values, args: [kind = ""] }, context) => {
    const asked = checkedValues(requestSchema, values);
    const request = checkedRequest(kind, asked);
    if (kind === "unenroll") {
      throw new UsageError("The whole fleet: unenroll --all. Some services: take away their enroll tag.");
    }
    const operator = await connectOperator(asked, context);
    if (asked.image !== undefined) allowedImage(asked.image, operator.config);
    return askAndShow(request, asked, operator, context);
  },
};

export interface CheckedRequest extends JsonObject {
  readonly kind: (typeof requestedKinds)[number];
  readonly scope: JsonObject;
  readonly overrides: JsonObject;
}

/** The request that the options make. Throws `UsageError`, `invalid-request` or `invalid-image`. */
export function checkedRequest(kind: string, asked: RequestValues): CheckedRequest {
  const known = requestedKinds.find((one) => one === kind);
  if (kind === "rollback") throw new UsageError("A rollout is rolled back with: rollout rollback ID");
  if (!known) throw new UsageError(`There is no kind ${kind}. ${hintAt(kind, offeredKinds)}`);
  if (known !== "upgrade" && asked.image !== undefined)
    throw new AutopilotError("invalid-request", `--image goes with upgrade, not with ${known}.`);
  if (known === "upgrade" && asked.image === undefined)
    throw new AutopilotError("invalid-request", "An upgrade needs --image.");
  return {
    kind: known,
    ...(asked.image !== undefined && { image: checkedImage(asked.image) }),
    scope: given({
      controlPlane: asked.controlPlane,
      accounts: asked.account,
      regions: asked.region,
      clusters: asked.cluster,
      services: asked.service,
    }),
    overrides: given({
      waves: asked.waves,
      concurrency: asked.concurrency,
      bakeMinutes: asked.bake,
      approveAfterCanary: asked.approveAfterCanary,
      ignoreFreeze: asked.override,
    }),
    why: asked.why,
  };
}

function given(members: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((one): one is [string, JsonObject[string]] => one[1] !== undefined),
  );
}

/** Requests the rollout, then shows it. Returns the exit code. Throws as `refuseEarly` and `sendRequest`. */
export async function askAndShow(
  request: CheckedRequest,
  { watch, json }: { readonly watch: boolean; readonly json: boolean },
  operator: Operator,
  context: CliContext,
): Promise<number> {
  refuseEarly(request, operator.config, context.now());
  const rolloutId = newRolloutId(request.kind);
  await sendRequest({ ...request, rolloutId, requestedBy: operator.who }, operator, context);
  const { out, err, environment } = context;
  const read = rolloutReader(rolloutId, operator, context);
  const view = await begun(read, context);
  const { rollout } = view;
  if (rollout.status === "refused") {
    for (const line of rolloutReasonLines(rollout)) err.write(`${line}\n`);
    if (json) out.write(`${JSON.stringify(viewJson(view, false))}\n`);
    return exitCodes.refused;
  }
  if (watch) return watchRollout(read, context, { id: rolloutId, json });
  if (json) {
    out.write(`${JSON.stringify(viewJson(view, false), null, 2)}\n`);
  } else {
    out.write(`${rolloutLines(view, styler(hasColor(out, environment))).join("\n")}\n`);
    out.write(`\nWatch it: npm run autopilot -- rollout status ${rolloutId} --watch\n`);
  }
  return exitCodes.ok;
}

/**
 * The rollout once it has cut its waves or waits behind another: an empty scope is refused only then. At most 15
 * seconds.
 */
async function begun(
  read: () => Promise<RolloutView>,
  { now, pause }: Pick<CliContext, "now" | "pause">,
): Promise<RolloutView> {
  const until = now() + BEGIN_MS;
  for (;;) {
    const view = await read();
    const { status, waves } = view.rollout;
    const begins = waves.length === 0 && !endedStatuses.includes(status) && view.behind === undefined;
    if (!begins || now() >= until) return view;
    await pause(500);
  }
}

/** Throws `AutopilotError` for what would be refused anyhow: nothing has been sent then. */
export function refuseEarly({ scope, overrides }: CheckedRequest, config: Config, nowMs: number): void {
  const { controlPlane, accounts } = scopeSchema.parse(scope);
  if (controlPlane !== undefined && !config.controlPlanes.some(({ name }) => name === controlPlane)) {
    const names = config.controlPlanes.map(({ name }) => name);
    throw new AutopilotError(
      "invalid-request",
      `There is no control plane called ${controlPlane}. ${hintAt(controlPlane, names)}`,
    );
  }
  const known = new Set(targetsOf(config).map(({ account }) => account));
  const unknown = accounts?.filter((account) => !known.has(account)) ?? [];
  if (unknown.length > 0) throw new AutopilotError("unknown-account", unknown.join(", "));
  const open = overrides.ignoreFreeze === true ? undefined : openWindow(config.policy.rollout.freezeWindows, nowMs);
  if (open) throw new AutopilotError("frozen", `It ends at ${new Date(open.until).toISOString()}.`);
}

/** The name that was probably meant, else all that there are. */
function hintAt(text: string, names: readonly string[]): string {
  const meant = nearest(text, names);
  return meant === undefined ? `There are: ${names.join(", ")}.` : `Did you mean ${meant}?`;
}
