import { parseArgs } from "node:util";
import * as z from "zod";
import { nearest } from "../shared/base/nearest.ts";
import { UsageError } from "./exit-codes.ts";

export interface OptionSpec {
  /** What stands for the value in the help; none: the option is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly about: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * The arguments of a command by its options and the names of its positionals. Throws `UsageError` that names the wrong
 * argument and, for an unknown option, the nearest known one.
 */
export function readArguments(
  args: readonly string[],
  options: OptionSpecs,
  positionalNames: readonly string[],
): Arguments {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value, multiple = false }]) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple },
    ]),
  );
  // Not strict: Node's own words for a mistake have no hint.
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: { ...config, help: { type: "boolean", short: "h" } },
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) if (token.kind === "option") checkOption(token, options);
  checkPositionals(positionals, positionalNames);
  return { values: valuesSchema.parse(values), positionals };
}

const valuesSchema = z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())]).optional());

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function checkOption({ name, rawName, value, inlineValue }: OptionToken, options: OptionSpecs): void {
  if (name === "help") return;
  const spec = Object.hasOwn(options, name) ? options[name] : undefined;
  if (!spec) {
    const hint = nearest(name, Object.keys(options));
    throw new UsageError(`There is no option ${rawName}.${hint ? ` Did you mean --${hint}?` : ""}`);
  }
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    return;
  }
  const looksLikeOption = value?.startsWith("-") === true && inlineValue !== true;
  if (value === undefined || value === "" || looksLikeOption)
    throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
}

function checkPositionals(positionals: readonly string[], names: readonly string[]): void {
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing.`);
  const extra = positionals[names.length];
  if (extra !== undefined) throw new UsageError(`${extra} is one argument too many.`);
}

/** The values by a schema. Throws `UsageError` that names every wrong option. */
export function checkedValues<T>(schema: z.ZodType<T>, values: Arguments["values"]): T {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `--${String(path[0])}: ${message}`,
  );
  throw new UsageError(wrong.join("\n"));
}
