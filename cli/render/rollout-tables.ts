import type { Rollout, RolloutService } from "../../shared/model/rollout.ts";
import { currentWave, durationOf, statusStyle } from "./rollout.ts";
import type { Terminal } from "./style.ts";
import { table } from "./table.ts";
import { minuteOf, span } from "./time.ts";

/** Every service of the rollout as a table. */
export function serviceTable(services: readonly RolloutService[], terminal: Terminal): string {
  return table(
    [
      { title: "wave", right: true },
      { title: "region" },
      { title: "account", optional: true },
      { title: "service", keepEnd: true },
      { title: "status" },
      { title: "from", keepEnd: true },
      { title: "to", keepEnd: true },
      { title: "took", right: true, optional: true },
      { title: "reason" },
    ],
    services.map(
      ({ waveIndex: wave, serviceArn, status, fromRevisionArn, toRevisionArn, durationSeconds, reason = "" }) => {
        const [, , , region = "", account = ""] = serviceArn.split(":");
        return [
          String(wave + 1),
          region,
          account,
          serviceArn.split("/").slice(-2).join("/"),
          status,
          revisionName(fromRevisionArn),
          revisionName(toRevisionArn),
          durationSeconds === undefined ? "" : span(durationSeconds),
          reason,
        ];
      },
    ),
    terminal,
  );
}

function revisionName(arn: string | undefined): string {
  return arn?.split("/").at(-1) ?? "";
}

/** Rollouts as a table, the newest first. */
export function rolloutTable(rollouts: readonly Rollout[], terminal: Terminal): string {
  if (rollouts.length === 0) return "No rollouts.";
  return table(
    [
      { title: "rollout", whole: true },
      { title: "kind", optional: true },
      { title: "status" },
      { title: "wave", right: true },
      { title: "services", right: true },
      { title: "failed", right: true },
      { title: "asked (UTC)", whole: true },
      { title: "took", right: true, optional: true },
      { title: "why", optional: true },
    ],
    rollouts.map((rollout) => [
      rollout.id,
      rollout.kind,
      { text: rollout.status, style: statusStyle(rollout.status) },
      rollout.waves.length === 0 ? "" : `${currentWave(rollout)}/${rollout.waves.length}`,
      String(rollout.serviceCount),
      String(rollout.failedOrdinals.length),
      minuteOf(rollout.requestedAt),
      durationOf(rollout),
      rollout.why,
    ]),
    terminal,
  );
}
