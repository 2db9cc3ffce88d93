import { chunkAsync } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/ports.ts";
import { laterExpiry } from "../../rollout/expiry.ts";
import { openIds } from "./queue.ts";

interface OpenCalls {
  readonly ledger: Pick<RolloutLedger, "getFleet" | "getRollout">;
  readonly log: Pick<Log, "warn">;
}

export interface KeepOpenCalls extends OpenCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: OpenCalls["ledger"] &
    Pick<RolloutLedger, "changeRollout" | "listRolloutServices" | "patchRolloutService">;
  readonly now: () => number;
}

const AT_ONCE = 50;

/** The open rollouts that can be read. Another one stops nothing but itself. */
export async function readOpen({ ledger, log }: OpenCalls): Promise<readonly Rollout[]> {
  const open: Rollout[] = [];
  for (const id of openIds(await ledger.getFleet())) {
    try {
      const rollout = await ledger.getRollout(id);
      if (rollout) open.push(rollout);
    } catch (error) {
      const { code, message } = asAutopilotError(error);
      if (code !== "ledger-item-unreadable") throw error;
      log.warn(`rollout left out: ${id}`, { code, why: message });
    }
  }
  return open;
}

/**
 * Moves the time to live of open rollouts on, before half of it is over. Their services first: what a crash keeps from
 * being moved is moved by the next run.
 */
export async function keepOpen(open: readonly Rollout[], { config, ledger, now }: KeepOpenCalls): Promise<void> {
  const { retentionDays } = config.policy.rollout;
  for (const rollout of open) {
    const expiresAt = laterExpiry(rollout, now(), retentionDays);
    if (expiresAt === undefined) continue;
    for await (const services of chunkAsync(ledger.listRolloutServices(rollout.id), AT_ONCE)) {
      await Promise.all(
        services
          .filter((service) => laterExpiry(service, now(), retentionDays) !== undefined)
          .map(({ ordinal }) => ledger.patchRolloutService(rollout.id, ordinal, {}, { expiresAt })),
      );
    }
    await ledger.changeRollout(rollout.id, (current) => ({ next: { ...current, expiresAt } }));
  }
}
