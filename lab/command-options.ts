import { type ParseArgsConfig, parseArgs } from "node:util";
import * as z from "zod";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** A whole number, as the command line has it. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const sentence = `must be a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`;
  return z.coerce.number(sentence).int(sentence).min(min, sentence).max(max, sentence);
}

/** The values of a command's options, or what is wrong with its command line: one sentence a line. */
export function parsedOptions<Values>(
  args: readonly string[],
  options: Options,
  schema: z.ZodType<Values>,
): { readonly values: Values } | { readonly problems: string } {
  let given: unknown;
  try {
    given = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return { problems: error instanceof Error ? error.message : String(error) };
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return { values: parsed.data };
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map((name) => `--${String(name)}: `).join("")}${message}`,
  );
  return { problems: problems.join("\n") };
}

/** What `parsedOptions` returns; undefined after it has printed what is wrong, with the command's help, on stderr. */
export function optionsOrHelp<Values>(
  args: readonly string[],
  { options, schema, help }: { readonly options: Options; readonly schema: z.ZodType<Values>; readonly help: string },
): Values | undefined {
  const parsed = parsedOptions(args, options, schema);
  if ("values" in parsed) return parsed.values;
  process.stderr.write(`${parsed.problems}\n\n${help}`);
  return undefined;
}
