import { readFile, writeFile } from "node:fs/promises";
import { Option } from "commander";
import * as z from "zod";
import {
  accountIdSchema,
  clusterArnOf,
  parseServiceArn,
  regionSchema,
  type ServiceRef,
} from "../../shared/base/arn.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { warnings } from "../../shared/model/reason-texts.ts";
import { givenDefinition } from "../inventory/given-definition.ts";
import { type InjectionAdvice, injectedFor } from "../inventory/inject.ts";
import { printable } from "../render/style.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes, UsageError } from "../runtime/exit-codes.ts";
import { connectOperator, type Operator } from "../runtime/operator.ts";
import { checkedValues, repeatable, switchShape, whereOptions, whereShape } from "../runtime/options.ts";

const pairs = z.array(z.string().regex(/^[^=]+=.*$/, "expected key=value")).optional();
const valuesSchema = z.object({
  ...whereShape,
  definition: z.string("is required"),
  service: z
    .string()
    .refine((arn) => parseServiceArn(arn) !== undefined, "expected a service's long ARN")
    .optional(),
  account: accountIdSchema.optional(),
  region: regionSchema.optional(),
  tags: pairs,
  clusterTags: pairs,
  out: z.string().optional(),
  dryRun: switchShape,
});
type Values = z.output<typeof valuesSchema>;

export const injectCommand: CliCommand = {
  define: () =>
    newCommand(
      "inject",
      "Prints a task definition with the ztunnel sidecar in it: for CI that wants one deployment instead of two.",
      [
        new Option(
          "--definition <FILE>",
          "the task definition as RegisterTaskDefinition takes it, JSON; - for the input",
        ),
        new Option("--service <ARN>", "the service that it is for: its tags and its cluster's tags count"),
        new Option("--account <ID>", "instead of --service: where the service will be"),
        new Option("--region <NAME>", "instead of --service: where the service will be"),
        repeatable("--tags <KEY=VALUE>", "a tag of the service, which goes before the one it has"),
        repeatable("--cluster-tags <KEY=VALUE>", "a tag of its cluster"),
        new Option("--out <FILE>", "write there instead of printing"),
        new Option("--dry-run", "print it with a placeholder where the identity has no secret version yet"),
        ...whereOptions,
      ],
      `
The bootstrap token's secret version must be there: a service of the same
identity was enrolled once. The output holds no secret, only the version's ARN.
Exit code 2 when the service would be refused, with the reason and the fix.

  npm run -s autopilot -- inject --definition task.json --service ARN \\
    --out injected.json
  aws ecs register-task-definition --cli-input-json file://injected.json`,
    ),
  run: async ({ values }, context) => {
    const asked = checkedValues(valuesSchema, values);
    const definition = await readDefinition(asked.definition);
    const operator = await connectOperator(asked, context);
    const place = await placeOf(asked, operator);
    const {
      definition: injected,
      advice,
      warnings: found,
    } = await injectedFor({ ...place, definition, dryRun: asked.dryRun }, operator);
    const text = `${JSON.stringify(injected, null, 2)}\n`;
    if (asked.out === undefined) context.out.write(text);
    else await writeFile(asked.out, text);
    for (const { code, detail } of found) context.err.write(`Warning: ${printable(`${warnings[code]} ${detail}`)}\n`);
    for (const one of advice) context.err.write(`${adviceWords[one]}\n`);
    return exitCodes.ok;
  },
};

const adviceWords: Readonly<Record<InjectionAdvice, string>> = {
  unchanged: "The definition has the sidecar already: nothing to change.",
  placeholder: "PLACEHOLDER stands for the secret version: this definition can't be registered.",
  "role-not-allowed":
    "The task definition's execution role may not read the secret yet: the autopilot allows it when it enrolls the service. Tasks don't start before.",
};

/** The definition in the file, or in what comes from the input. */
async function readDefinition(file: string): Promise<JsonObject> {
  try {
    return givenDefinition(await readFile(file === "-" ? "/dev/stdin" : file, "utf8"));
  } catch (cause) {
    throw new UsageError(`--definition ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

interface Where {
  readonly ref: ServiceRef;
  readonly tags: Readonly<Record<string, string>>;
  readonly clusterTags: Readonly<Record<string, string>>;
  readonly platformVersion?: string;
}

/** The service with its tags, or the one that the options describe. */
async function placeOf(asked: Values, { ecs, config }: Operator): Promise<Where> {
  const tags = tagsOf(asked.tags);
  const clusterTags = tagsOf(asked.clusterTags);
  const ref = asked.service === undefined ? undefined : parseServiceArn(asked.service);
  if (ref) {
    const calls = ecs(ref);
    const service = await calls.describeService(ref);
    const cluster = await calls.describeCluster(clusterArnOf(ref));
    return { ref, tags: { ...service.tags, ...tags }, clusterTags: { ...cluster.tags, ...clusterTags } };
  }
  if (!asked.account || !asked.region) throw new UsageError("Give --service, or both --account and --region.");
  const { account, region } = asked;
  const names = { clusterName: "cluster", serviceName: "service" };
  const serviceArn = `arn:${config.accounts[0]?.role.split(":")[1] ?? "aws"}:ecs:${region}:${account}:service/cluster/service`;
  return {
    ref: { serviceArn, account, region, ...names },
    tags: { [config.enrollTagKey]: "true", ...tags },
    clusterTags,
  };
}

function tagsOf(given: readonly string[] | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (given ?? []).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}
