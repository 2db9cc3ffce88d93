import { Argument, Option } from "commander";
import * as z from "zod";
import { chunk } from "../../shared/base/chunk.ts";
import { operatorDetailTypes } from "../../shared/base/vocabulary.ts";
import type { Config } from "../../shared/config/config.ts";
import { knownOrphan, mayHaveTasks } from "../../shared/enrollment/membership.ts";
import { MAX_RELEASED } from "../../shared/events/operator.ts";
import { orphanReasons } from "../../shared/model/reason-texts.ts";
import type { OrphanReason } from "../../shared/model/reasons.ts";
import { matchesScope } from "../../shared/rollout/identity.ts";
import { printable } from "../render/style.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import type { CliContext } from "../runtime/context.ts";
import { exitCodes, Refused } from "../runtime/exit-codes.ts";
import { connectOperator, type Operator } from "../runtime/operator.ts";
import { checkedValues, jsonOption, switchShape, whereOptions, whereShape } from "../runtime/options.ts";

const WORD = "release";
const TIMEOUT_MS = 60_000;
const POLL_MS = 1000;
const MAX_LISTED = 20;

const valuesSchema = z.object({ ...whereShape, json: switchShape, yes: switchShape });

interface Orphan {
  readonly serviceArn: string;
  readonly why: OrphanReason;
}

export const releaseCommand: CliCommand = {
  define: () =>
    newCommand(
      "release",
      "Lets go of services in the mesh that no sweep can read any more: they hold no root CA rotation up after that.",
      [new Option("--yes", "do not ask"), jsonOption, ...whereOptions],
      `
SERVICE is a name or an ARN, * for any characters; \`status\` lists the orphans.
Their tasks run as they are, without the autopilot: a root CA that they need may
be called retirable. To keep them instead, put their account, region or control
plane back into the configuration.`,
    ).addArgument(new Argument("<SERVICE...>", "orphaned services")),
  run: async ({ values, args }, context) => {
    const asked = checkedValues(valuesSchema, values);
    const operator = await connectOperator(asked, context);
    const orphans = await orphansAmong(args, operator);
    if (orphans.length === 0) {
      throw new Refused(
        "not-orphaned",
        `No orphaned service is called ${args.join(" or ")}.`,
        "See `npm run autopilot -- status` for the orphans. A service that sweeps read leaves the mesh by its tag.",
      );
    }
    if (!asked.yes) await confirm(orphans, context);
    await release(orphans, operator, context);
    const lines = [...listed(orphans), `released: ${orphans.length}`];
    context.out.write(asked.json ? `${JSON.stringify({ released: orphans }, null, 2)}\n` : `${lines.join("\n")}\n`);
    return exitCodes.ok;
  },
};

async function orphansAmong(
  services: readonly string[],
  { ledger, config }: { readonly ledger: Pick<Operator["ledger"], "listServices">; readonly config: Config },
): Promise<readonly Orphan[]> {
  const orphans: Orphan[] = [];
  for await (const state of ledger.listServices()) {
    const why = knownOrphan(state, config);
    if (why !== undefined && matchesScope({ services: [...services] }, state, () => undefined)) {
      orphans.push({ serviceArn: state.serviceArn, why });
    }
  }
  return orphans.toSorted((a, b) => (a.serviceArn < b.serviceArn ? -1 : 1));
}

function listed(orphans: readonly Orphan[]): readonly string[] {
  const more = orphans.length - MAX_LISTED;
  return [
    ...orphans.slice(0, MAX_LISTED).map(({ serviceArn, why }) => printable(`${serviceArn}: ${orphanReasons[why]}`)),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

async function confirm(orphans: readonly Orphan[], { ask, out }: CliContext): Promise<void> {
  const what = `This releases ${orphans.length === 1 ? "this service" : `these services (${orphans.length})`}.`;
  out.write(`${listed(orphans).join("\n")}\n`);
  const answer = await ask(`${what} Type ${WORD} to go on: `);
  if (answer?.trim() === WORD) return;
  const why = answer === undefined ? "Nobody is there to confirm it." : "It was not confirmed.";
  throw new Refused("not-confirmed", `${what} ${why}`, "Type the word when asked, or give --yes.");
}

/** Asks for it on the bus, and waits until the ledger has none of them in the mesh. */
async function release(
  orphans: readonly Orphan[],
  { bus, ledger, who }: Pick<Operator, "bus" | "ledger" | "who">,
  { now, pause }: Pick<CliContext, "now" | "pause">,
): Promise<void> {
  const serviceArns = orphans.map(({ serviceArn }) => serviceArn);
  for (const some of chunk(serviceArns, MAX_RELEASED)) {
    const detail = { serviceArns: [...some], requestedBy: who };
    await bus.putEvents([{ detailType: operatorDetailTypes.release, detail, resources: [] }]);
  }
  const deadline = now() + TIMEOUT_MS;
  for (const serviceArn of serviceArns) {
    for (;;) {
      const state = await ledger.getService(serviceArn);
      if (!state || !mayHaveTasks(state)) break;
      if (now() >= deadline) throw notTaken(serviceArn);
      await pause(POLL_MS);
    }
  }
}

function notTaken(serviceArn: string): Refused {
  return new Refused(
    "not-taken",
    `The ledger still has ${serviceArn} in the mesh, a minute after "Release Requested".`,
    "A roll may work on it, or it is kept again: see `npm run autopilot -- status` and the log of rollout/control.",
  );
}
