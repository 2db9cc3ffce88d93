import { Argument, Option } from "commander";
import * as z from "zod";
import { scopeSchema } from "../../shared/model/rollout.ts";
import { UsageError } from "./exit-codes.ts";

export const configOption = new Option("--config <FILE>", "the configuration (default autopilot.config.ts)");
/** Options that find the deployed autopilot. */
export const whereOptions: readonly Option[] = [
  configOption,
  new Option("--stage <NAME>", "the deployed stage (default AUTOPILOT_STAGE; without one: the lab)"),
];
export const whereShape = { config: z.string().optional(), stage: z.string().optional() };
export type WhereValues = z.output<z.ZodObject<typeof whereShape>>;

export const jsonOption = new Option("--json", "JSON instead of text");
/** The value of an option without a value of its own. */
export const switchShape = z.boolean().default(false);

/** Options that say which services are meant. */
export const scopeOptions: readonly Option[] = [
  repeatable("--account <ID>", "only this account"),
  repeatable("--region <NAME>", "only this region"),
  repeatable("--cluster <NAME>", "only this cluster, by name or ARN, * for any characters"),
  repeatable("--service <NAME>", "only this service, by name or ARN, * for any characters"),
];
const names = z.array(z.string()).optional();
export const scopeShape = {
  account: scopeSchema.unwrap().shape.accounts,
  region: names,
  cluster: names,
  service: names,
};

export const rolloutIdArgument = new Argument("<ID>", "the rollout's id");

/** An option that may be given several times: its value is the list of what was given. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; repeatable`).argParser((value, earlier: readonly string[] = []) => [
    ...earlier,
    value,
  ]);
}

/**
 * The values by a schema, whose members are called as commander calls them. Throws `UsageError` that names every wrong
 * option.
 */
export function checkedValues<T>(schema: z.ZodType<T>, values: unknown): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${flagOf(String(path[0]))}: ${message}`,
  );
  throw new UsageError(wrong.join("\n"));
}

/** `controlPlane` is the value of `--control-plane`. */
function flagOf(attribute: string): string {
  return `--${attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
