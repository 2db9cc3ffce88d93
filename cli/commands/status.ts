import * as z from "zod";
import { scopeSchema } from "../../shared/model/rollout.ts";
import { checkedValues } from "../arguments.ts";
import { type Command, jsonOption, scopeOptions, whereOptions } from "../command.ts";
import { hasColor } from "../context.ts";
import { exitCodes, fixFor } from "../exit-codes.ts";
import { readInventory } from "../inventory/inventory.ts";
import { connectOperator } from "../operator.ts";
import { inventoryText } from "../render/inventory.ts";
import { styler } from "../render/style.ts";

const list = z.array(z.string()).optional();
const valuesSchema = z.object({
  account: scopeSchema.unwrap().shape.accounts,
  region: list,
  cluster: list,
  service: list,
});

export const status: Command = {
  name: "status",
  about: "Lists the services by account and region: enrolled, ztunnel, root CA, revision, drift, last roll.",
  positionals: [],
  options: { ...scopeOptions, ...jsonOption, ...whereOptions },
  more: `
root CA: the beginnings of the fingerprints of the certificates that the service's token trusts; (old): not the newest
bundle; (cut off): none of the newest bundle's. awaits rollout: all that differs is a change of the whole fleet, which comes in waves. Exit code 3 when an
account or region could not be read.`,
  run: async ({ values }, context) => {
    const { account, region, cluster, service } = checkedValues(valuesSchema, values);
    const operator = await connectOperator(values, context);
    const { out, err, environment, now } = context;
    const tell = (read: number) => {
      if (err.isTTY) err.write(`\r${read} services read`);
    };
    const inventory = await readInventory(
      scopeSchema.parse({
        ...(account && { accounts: account }),
        ...(region && { regions: region }),
        ...(cluster && { clusters: cluster }),
        ...(service && { services: service }),
      }),
      { ...operator, now, onProgress: tell },
    );
    if (err.isTTY) err.write("\r\u001b[K");
    const text = values.json
      ? JSON.stringify(inventory, null, 2)
      : inventoryText(inventory, styler(hasColor(out, environment)));
    out.write(`${text}\n`);
    for (const { account: where, region: at, code, detail } of values.json ? inventory.unread : []) {
      err.write(`${where}/${at} could not be read: ${code}: ${detail}\n`);
    }
    if (inventory.unread.some(({ code }) => code === "access-denied")) err.write(`Fix: ${fixFor("access-denied")}\n`);
    return inventory.unread.length > 0 ? exitCodes.unreachable : exitCodes.ok;
  },
};
