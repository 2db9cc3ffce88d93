import * as z from "zod";
import { AutopilotError } from "../../shared/base/errors.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { nearest } from "../../shared/base/nearest.ts";
import { type Config, targetsOf } from "../../shared/config/config.ts";
import { openWindow } from "../../shared/config/freeze.ts";
import { endedStatuses, overridesSchema, rolloutKinds, scopeSchema } from "../../shared/model/rollout.ts";
import { allowedImage, checkedImage } from "../../shared/use-cases/rollout/validate.ts";
import { checkedValues } from "../arguments.ts";
import { type Command, jsonOption, scopeOptions, whereOptions } from "../command.ts";
import { type CliContext, hasColor } from "../context.ts";
import { exitCodes, UsageError } from "../exit-codes.ts";
import { connectOperator, type Operator } from "../operator.ts";
import { reasonLines, rolloutLines } from "../render/rollout.ts";
import { styler } from "../render/style.ts";
import { newRolloutId, sendRequest } from "../rollouts/send.ts";
import { type RolloutView, viewJson } from "../rollouts/view.ts";
import { watchRollout } from "../rollouts/watch.ts";
import { rolloutReader } from "./rollout-status.ts";

/** Options of everything that asks for a rollout. */
export const paceOptions = {
  why: { value: "TEXT", about: "why, for the record and for Slack" },
  waves: { value: "P,P,100", about: "cumulative percentages of a region's services, as in 10,50,100" },
  concurrency: { value: "N", about: "rolls at a time in one account and region; 0: as many as AWS's quotas let start" },
  bake: { value: "MINUTES", about: "how long a wave is left alone before it is judged again" },
  override: { about: "go on although a freeze window is open; who did so is recorded" },
  "approve-after-canary": { about: "hold after the canary wave until somebody approves" },
  watch: { about: "show the rollout until it has ended" },
} as const;

const BEGIN_MS = 15_000;
const shape = overridesSchema.unwrap().shape;
const number = z.string().transform((text, context) => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  context.addIssue(`${text} is no number`);
  return z.NEVER;
});
const list = z.array(z.string()).optional();

const valuesSchema = z.object({
  image: z.string().optional(),
  "control-plane": z.string().optional(),
  account: scopeSchema.unwrap().shape.accounts,
  region: list,
  cluster: list,
  service: list,
  why: z.string().max(500).default(""),
  waves: z
    .string()
    .transform((text) => text.split(",").map(Number))
    .pipe(shape.waves.unwrap())
    .optional(),
  concurrency: number.pipe(shape.concurrency.unwrap()).optional(),
  bake: number.pipe(shape.bakeMinutes.unwrap()).optional(),
  override: z.boolean().optional(),
  "approve-after-canary": z.boolean().optional(),
});
export type RequestValues = z.output<typeof valuesSchema>;

export const rolloutRequest: Command = {
  name: "rollout request",
  about: `Asks for a rollout over the enrolled services. KIND: ${rolloutKinds.join(", ")}.`,
  positionals: ["KIND"],
  options: {
    image: { value: "IMAGE", about: "the ztunnel image of an upgrade" },
    "control-plane": { value: "NAME", about: "only services of this control plane" },
    ...scopeOptions,
    ...paceOptions,
    ...jsonOption,
    ...whereOptions,
  },
  more: `
rotate        the newest root CA and other mesh facts
upgrade       another ztunnel image (--image)
reconfigure   the sidecar settings of the configuration
unenroll      out of the mesh, the whole fleet: \`unenroll --all\`; single services leave by their tag

What is not given is as the configuration's policy.rollout says.`,
  run: async ({ values, positionals: [kind = ""] }, context) => {
    const asked = checkedValues(valuesSchema, values);
    const request = requestOf(kind, asked);
    if (kind === "unenroll") {
      throw new UsageError("The whole fleet: unenroll --all. Some services: take away their enroll tag.");
    }
    const operator = await connectOperator(values, context);
    if (typeof values.image === "string") allowedImage(values.image, operator.config);
    return askAndShow(request, { watch: values.watch === true, json: values.json === true }, operator, context);
  },
};

export interface CheckedRequest extends JsonObject {
  readonly kind: (typeof rolloutKinds)[number];
  readonly scope: JsonObject;
  readonly overrides: JsonObject;
}

/** The request that the options make. Throws `UsageError`, `invalid-request` or `invalid-image`. */
export function requestOf(kind: string, asked: RequestValues): CheckedRequest {
  const known = rolloutKinds.find((one) => one === kind);
  if (kind === "rollback") throw new UsageError("A rollout is taken back with: rollout rollback ID");
  if (!known) throw new UsageError(`There is no kind ${kind}. ${hintAt(kind, rolloutKinds)}`);
  if (known !== "upgrade" && asked.image !== undefined)
    throw new AutopilotError("invalid-request", `--image goes with upgrade, not with ${known}.`);
  if (known === "upgrade" && asked.image === undefined)
    throw new AutopilotError("invalid-request", "An upgrade needs --image.");
  return {
    kind: known,
    ...(asked.image !== undefined && { image: checkedImage(asked.image) }),
    scope: given({
      controlPlane: asked["control-plane"],
      accounts: asked.account,
      regions: asked.region,
      clusters: asked.cluster,
      services: asked.service,
    }),
    overrides: given({
      waves: asked.waves,
      concurrency: asked.concurrency,
      bakeMinutes: asked.bake,
      approveAfterCanary: asked["approve-after-canary"],
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

/** Asks for the rollout, then shows what became of it. Returns the exit code. Throws as `refuseEarly` and `sendRequest`. */
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
    for (const line of reasonLines(rollout)) err.write(`${line}\n`);
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

/** The rollout once it has cut its waves or waits behind another: an empty scope is refused only then. At most 15 seconds. */
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

/** The options of `rollout request` for those who ask for a rollout in other words. */
export function requestValues(values: Parameters<typeof checkedValues>[1]): RequestValues {
  return checkedValues(valuesSchema, values);
}
