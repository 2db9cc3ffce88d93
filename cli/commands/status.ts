import * as z from "zod";
import { counted } from "../../shared/base/plural.ts";
import { scopeSchema } from "../../shared/model/rollout.ts";
import { readInventory } from "../inventory/inventory.ts";
import { inventoryText } from "../render/inventory.ts";
import { printable, terminalOf } from "../render/style.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes, fixFor } from "../runtime/exit-codes.ts";
import { connectOperator } from "../runtime/operator.ts";
import {
  checkedValues,
  jsonOption,
  scopeOptions,
  scopeShape,
  switchShape,
  whereOptions,
  whereShape,
} from "../runtime/options.ts";

const valuesSchema = z.object({ ...whereShape, ...scopeShape, json: switchShape });

export const statusCommand: CliCommand = {
  define: () =>
    newCommand(
      "status",
      "Lists the services by account and region: enrolled, ztunnel, root CA, revision, drift, last roll.",
      [...scopeOptions, jsonOption, ...whereOptions],
      `
root CA         the first characters of the fingerprints of the certificates
                that the service's token trusts; (old): not the newest bundle;
                (cut off): none of the newest bundle's certificates
awaits rollout  all that differs is a change of the whole fleet, which comes in
                waves

The exit code is 3 when an account or region could not be read.`,
    ),
  run: async ({ values }, context) => {
    const asked = checkedValues(valuesSchema, values);
    const { account, region, cluster, service, json } = asked;
    const operator = await connectOperator(asked, context);
    const { out, err, environment, now } = context;
    const onProgress = (read: number) => {
      if (err.isTTY) err.write(`\r${counted(read, "service")} read`);
    };
    const inventory = await readInventory(
      scopeSchema.parse({
        ...(account && { accounts: account }),
        ...(region && { regions: region }),
        ...(cluster && { clusters: cluster }),
        ...(service && { services: service }),
      }),
      { ...operator, now, onProgress },
    );
    if (err.isTTY) err.write("\r\u001b[K");
    const text = json ? JSON.stringify(inventory, null, 2) : inventoryText(inventory, terminalOf(out, environment));
    out.write(`${text}\n`);
    for (const { account: where, region: at, code, detail } of json ? inventory.unread : []) {
      err.write(`${printable(`${where}/${at} could not be read: ${code}: ${detail}`)}\n`);
    }
    if (inventory.unread.some(({ code }) => code === "access-denied")) err.write(`Fix: ${fixFor("access-denied")}\n`);
    return inventory.unread.length > 0 ? exitCodes.unreachable : exitCodes.ok;
  },
};
