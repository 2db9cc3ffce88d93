import { hoursToMs } from "../base/durations.ts";
import type { MeshSigner, RootStage } from "../model/mesh.ts";

/** What is known of a rotation when its stage is asked for. */
export interface StageFacts {
  /** A rollout is under way, a task needs the old root, or it is unknown whether one does. */
  readonly isHeld: boolean;
  /** Whose certificate istiod serves; undefined where that can't be seen. */
  readonly signer: MeshSigner | undefined;
  /** The anchors that remain. */
  readonly remaining: readonly string[];
  readonly leafLifetimeHours: number;
  readonly nowMs: number;
}

/**
 * The stage of a rotation: `distributing` until all tasks trust both roots, `sign-with-new` until istiod signs with one
 * that remains, `running-out` until no certificate of before can be valid, then `retirable`. `unknown`: nobody can see
 * who signs.
 */
export function rootStageOf({ isHeld, signer, remaining, leafLifetimeHours, nowMs }: StageFacts): RootStage {
  if (isHeld) return "distributing";
  if (!signer) return "unknown";
  if (!remaining.includes(signer.anchor)) return "sign-with-new";
  return nowMs < Date.parse(signer.since) + hoursToMs(leafLifetimeHours) ? "running-out" : "retirable";
}

/** The signer after this one was seen: since when it signs counts from when it was seen first. */
export function seenSigner(before: MeshSigner | undefined, anchor: string, nowMs: number): MeshSigner {
  return before?.anchor === anchor ? before : { anchor, since: new Date(nowMs).toISOString() };
}
