/**
 * Writes the CloudFormation template for a member account: `npm run member-template -- --account 210987654321 --out
 * member.json`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import autopilotConfig from "../autopilot.config.ts";
import { parseConfig } from "../shared/config/config.ts";
import { memberAccountTemplate } from "../stacks/member-account.ts";

const help = `npm run member-template -- [options]

Writes the CloudFormation template that the owner of another account deploys there. Its description says in which
regions, and in which order.

  --account ID      the account, one of the configuration's besides the home account (required)
  --stage NAME      the stage (default production)
  --out FILE        the output file (default: standard output)
  --help, -h        print this text
`;

const options = {
  account: { type: "string" },
  stage: { type: "string", default: "production" },
  out: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

function main(): void {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  if (!values.account) throw new Error("--account is required: the number of one of the configuration's accounts");
  const template = memberAccountTemplate(parseConfig(autopilotConfig, values.stage), values.stage, values.account);
  const json = `${JSON.stringify(template, null, 2)}\n`;
  if (values.out) {
    const out = resolve(values.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, json);
    console.log(`${Object.keys(template.Resources).length} resources for account ${values.account}: ${out}`);
  } else process.stdout.write(json);
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
