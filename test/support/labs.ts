import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { Lab } from "../../lab/autopilot/lab.ts";
import { type LedgerItems, memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import type { Json } from "../../shared/base/json.ts";
import { config } from "./services.ts";

/** A lab on a virtual clock of its own, without schedules; its ledger has these items. */
export function newLab(items: LedgerItems = new Map()): { readonly lab: Lab; readonly clock: VirtualClock } {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  return { clock, lab: new Lab({ clock, config: config(), schedules: false, ledger: memoryLedger(items) }) };
}

/** A lab that is ready and has logged nothing yet. `run` invokes a function by its file and returns its answer. */
export async function readyLab() {
  const { lab, clock } = newLab();
  await clock.run(lab.prepare());
  lab.logs.splice(0);
  return { lab, clock, run: (name: string, event: Json): Promise<Json> => clock.run(lab.lambda.invoke(name, event)) };
}
