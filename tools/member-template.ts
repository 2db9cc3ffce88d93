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

const { values } = parseArgs({
  options: {
    account: { type: "string", default: "" },
    stage: { type: "string", default: "production" },
    out: { type: "string" },
  },
});

try {
  const template = memberAccountTemplate(parseConfig(autopilotConfig), values.stage, values.account);
  const json = `${JSON.stringify(template, null, 2)}\n`;
  if (values.out) {
    const out = resolve(values.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, json);
    console.log(`${Object.keys(template.Resources).length} resources for account ${values.account}: ${out}`);
  } else process.stdout.write(json);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
