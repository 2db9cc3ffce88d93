import type { RolloutView } from "../../cli/rollouts/view.ts";
import type { Rollout, RolloutService } from "../../shared/model/rollout.ts";
import { progressOf } from "../../shared/rollout/progress.ts";
import { rollout as anyRollout, rolloutService, wave } from "./rollouts.ts";

export const REQUESTED_AT = "2026-03-02T11:00:00.000Z";

/** A rollout of two waves: the canary with two services, then three. */
export function rollout(changes: Partial<Rollout> = {}): Rollout {
  return anyRollout({
    id: "upgrade-0a1b2c3d4e",
    why: "A new ztunnel.",
    requestedBy: "arn:aws:iam::123456789012:user/ada",
    requestedAt: REQUESTED_AT,
    target: { image: "example.com/ztunnel:1.28.2" },
    waves: [wave("canary", 0, 1, "done"), wave("us-east-1 100%", 2, 4, "rolling")],
    nextWaveIndex: 1,
    serviceCount: 5,
    startedAt: REQUESTED_AT,
    ...changes,
  });
}

export function service(ordinal: number, changes: Partial<RolloutService> = {}): RolloutService {
  return rolloutService(ordinal, {
    rolloutId: "upgrade-0a1b2c3d4e",
    serviceArn: `arn:aws:ecs:us-east-1:123456789012:service/shop/service-${ordinal}`,
    waveIndex: ordinal < 2 ? 0 : 1,
    ...changes,
  });
}

/** Services of a rollout whose canary is done. In the second wave, one failed and one is rolling. */
export const midway: readonly RolloutService[] = [
  service(0, {
    status: "succeeded",
    fromRevisionArn: "arn:x/web:1",
    toRevisionArn: "arn:x/web:2",
    durationSeconds: 61,
  }),
  service(1, { status: "succeeded" }),
  service(2, { status: "reverted", reason: "ztunnel-unhealthy", detail: "ztunnel of task 1 is UNHEALTHY" }),
  service(3, { status: "rolling" }),
  service(4),
];

export function view(changes: Partial<RolloutView> = {}): RolloutView {
  const { rollout: of = rollout(), services = midway } = changes;
  return {
    rollout: of,
    services,
    progress: progressOf(of, services),
    etaSeconds: 754,
    behind: undefined,
    gates: [],
    ...changes,
  };
}
