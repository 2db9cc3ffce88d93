import {
  type Rollout,
  type RolloutService,
  rolloutSchema,
  rolloutServiceSchema,
  type Wave,
} from "../../shared/model/rollout.ts";

/** A rollout as it begins, with the given members. */
export function rollout(given: Partial<Rollout> = {}): Rollout {
  return rolloutSchema.parse({
    shape: 1,
    id: "upgrade-1",
    version: 0,
    kind: "upgrade",
    scope: {},
    why: "",
    requestedBy: "an operator",
    requestedAt: "2026-03-01T12:00:00Z",
    target: {},
    status: "running",
    expiresAt: 1,
    ...given,
  });
}

/** A rollout's service at its ordinal, with the given members. */
export function rolloutService(ordinal: number, given: Partial<RolloutService> = {}): RolloutService {
  return rolloutServiceSchema.parse({
    shape: 1,
    rolloutId: "upgrade-1",
    ordinal,
    serviceArn: `arn:aws:ecs:eu-west-1:123456789012:service/shop/s${ordinal}`,
    waveIndex: 0,
    expiresAt: 1,
    ...given,
  });
}

type Lane = Wave["lanes"][number];

/** The services from one ordinal to another, both included, in one account and region. */
export function lane(first: number, last: number): Lane {
  return { account: "123456789012", region: "us-east-1", first, last };
}

/** A wave of one lane; `canary` is the first one's name. */
export function wave(name: string, first: number, last: number, state: Wave["state"]): Wave {
  return { name, canary: name === "canary", lanes: [lane(first, last)], state };
}
