import { settingsHash } from "../../enrollment/settings-hash.ts";
import { ledgerRestored } from "../../events/mesh-events.ts";
import { endedStatuses, type FleetState } from "../../model/rollout.ts";
import type { ParameterCalls } from "../../ports/ports.ts";
import { rolloutIdOf } from "../../rollout/identity.ts";
import { type LedgerMark, ledgerStanding, parseMark } from "../../rollout/ledger-fence.ts";
import { openIds } from "./queue.ts";
import { queueRollout, type RequestCalls } from "./request-rollout.ts";

export interface FollowLedgerCalls extends RequestCalls {
  /** The parameter that has the mark. */
  readonly markName: string;
  readonly parameters: Pick<ParameterCalls, "getParameter" | "putParameter">;
  readonly log: RequestCalls["log"] & { error(message: string, extra?: Record<string, string>): void };
}

/** Who proposes to roll out what differs. An operator's rollouts and this one stand until somebody ends them. */
const ADOPTION = "ztunnel-autopilot adoption";

/**
 * Compares the ledger with the mark beside it, which follows it. One that was emptied, or restored to an earlier time,
 * rolls nothing: what it says is under way is ended, and sweeps adopt what runs. Once they have, what differs is
 * proposed as a rollout that waits for somebody. True where rollouts may be requested.
 */
export async function followLedger(wishedImage: () => Promise<string>, calls: FollowLedgerCalls): Promise<boolean> {
  // In this order: another run may write both meanwhile, the ledger first.
  const mark = parseMark(await calls.parameters.getParameter(calls.markName));
  const fleet = await calls.ledger.getFleet();
  const standing = ledgerStanding(mark, fleet);
  switch (standing) {
    case "in-step":
      return true;
    case "new":
    case "ahead":
      await countMark(mark, calls);
      await writeMark(calls);
      return true;
    case "unwritten":
      await writeMark(calls);
      return true;
    case "emptied":
    case "restored":
      await beginAdoption(standing, fleet, calls);
      return false;
    case "adopting":
      if (fleet.adopting?.stage !== "adopted") return false;
      await endAdoption(fleet.adopting, { mark, wishedImage }, calls);
      return false;
  }
}

/** The ledger has the next number before the mark has it: after a crash in between, the next run writes the mark. */
async function countMark(mark: LedgerMark | undefined, { ledger }: Pick<FollowLedgerCalls, "ledger">): Promise<void> {
  await ledger.changeFleet((fleet) =>
    fleet.mark === mark?.number ? { next: { ...fleet, mark: (mark?.number ?? 0) + 1 } } : {},
  );
}

async function writeMark({ ledger, parameters, markName }: FollowLedgerCalls): Promise<void> {
  const { mark: number, version } = await ledger.getFleet();
  if (number) await parameters.putParameter(markName, JSON.stringify({ number, version } satisfies LedgerMark));
}

async function beginAdoption(
  cause: "emptied" | "restored",
  { version }: FleetState,
  calls: FollowLedgerCalls,
): Promise<void> {
  const since = new Date(calls.now()).toISOString();
  calls.log.error("the ledger is not what it was: nothing is rolled until what runs is adopted", {
    code: "ledger-behind",
    cause,
    version: String(version),
  });
  // Emit before recording: after a crash in between, the event is emitted twice rather than never.
  await calls.bus.putEvents([ledgerRestored({ state: "noticed", cause, since })]);
  const { stored } = await calls.ledger.changeFleet((fleet) => ({
    next: { ...fleet, adopting: fleet.adopting ?? { since, cause, stage: "counting" } },
  }));
  await endOpen(openIds(stored), calls);
}

/** What the ledger says is under way has ended since, or nobody knows: it changes nothing more. */
async function endOpen(ids: readonly string[], calls: FollowLedgerCalls): Promise<void> {
  const finishedAt = new Date(calls.now()).toISOString();
  const reason = { code: "ledger-behind", detail: "The ledger was emptied or restored." };
  for (const id of ids) {
    await calls.ledger.changeRollout(id, ({ control: _, holdToken: __, ...rollout }) =>
      endedStatuses.includes(rollout.status) ? {} : { next: { ...rollout, status: "aborted", reason, finishedAt } },
    );
  }
  await calls.ledger.changeFleet(({ currentRolloutId: _, ...fleet }) => ({
    next: { ...fleet, queuedRolloutIds: [], announcedRolloutIds: [] },
  }));
}

async function endAdoption(
  { since, cause, differing = 0 }: NonNullable<FleetState["adopting"]>,
  { mark, wishedImage }: { readonly mark: LedgerMark | undefined; readonly wishedImage: () => Promise<string> },
  calls: FollowLedgerCalls,
): Promise<void> {
  const { image } = await calls.ledger.getFleet();
  const wished = await wishedImage();
  const rolloutId = image && differing > 0 ? await propose(image.image, { since, differing }, calls) : undefined;
  const proposal = rolloutId === undefined ? {} : { rolloutId };
  const found = { state: "adopted", cause, since, wished, differing, ...(image && { image: image.image }) } as const;
  await calls.bus.putEvents([ledgerRestored({ ...found, ...proposal })]);
  const settings = settingsHash(calls.config);
  await calls.ledger.changeFleet(({ adopting: _, ...fleet }) => ({
    next: {
      ...fleet,
      mark: Math.max(mark?.number ?? 0, fleet.mark ?? 0) + 1,
      settings: fleet.settings ?? settings,
      // What is wished for now starts no rollout: a later wish does.
      requestedFor: { ...fleet.requestedFor, image: wished, settings },
    },
  }));
  await writeMark(calls);
  calls.log.info("what runs is adopted", { since, differing });
}

async function propose(
  image: string,
  { since, differing }: { readonly since: string; readonly differing: number },
  calls: FollowLedgerCalls,
): Promise<string> {
  const at = new Date(calls.now()).toISOString();
  const wanted = {
    id: rolloutIdOf({ kind: "upgrade", key: [ADOPTION, since].join("\n") }),
    kind: "upgrade",
    scope: {},
    target: { image },
    why: `The ledger was emptied or restored: ${differing} services differ from what the others run.`,
    requestedBy: ADOPTION,
    overrides: {},
    emergency: false,
    control: { action: "pause", by: ADOPTION, at },
  } as const;
  await queueRollout(wanted, calls);
  return wanted.id;
}
