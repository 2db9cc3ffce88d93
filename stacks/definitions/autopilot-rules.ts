import {
  type AutopilotDetailType,
  detailTypesWhere,
  type EndOfRoll,
  eventSources,
  type OperatorDetailType,
} from "../../shared/base/vocabulary.ts";
import type { EventPattern } from "./event-pattern.ts";
import type { EventPatternOptions, HomeRule } from "./event-rules.ts";

/** Events of a rollout's rolls are the ones with its id. */
const outsideRollouts: EventPattern = { rolloutId: [{ exists: false }] };

/** The detail types whose row says so about the end of a roll. */
function ending(endOfRoll: EndOfRoll): readonly AutopilotDetailType[] {
  return detailTypesWhere(({ endsRoll }) => endsRoll === endOfRoll);
}

type HomeOptions = Pick<EventPatternOptions, "homeAccount">;

/**
 * The home bus's rules for the autopilot's own events, as their rows in the vocabulary say. EventBridge sets the
 * account itself: PutEvents takes none.
 */
export function autopilotRules({ homeAccount }: HomeOptions): readonly HomeRule[] {
  const fromUs = { source: [eventSources.autopilot], account: [homeAccount] };
  const own = (...detailTypes: readonly AutopilotDetailType[]): EventPattern => ({
    ...fromUs,
    "detail-type": detailTypes,
  });
  return [
    {
      name: "roll-ended",
      description: "A roll ended: tags that changed meanwhile are reconciled now.",
      pattern: {
        ...fromUs,
        $or: [
          { "detail-type": ending("reconcile") },
          {
            "detail-type": [...ending("reconcile-if-requested"), ...ending("reconcile-if-overtaken")],
            detail: { recheckRequested: [true] },
          },
        ],
      },
      functions: ["reconcile-service"],
    },
    {
      name: "roll-superseded",
      description: "Somebody else's deployment superseded a roll, and its events came while the roll held the lease.",
      pattern: {
        ...own(...ending("reconcile-if-overtaken")),
        detail: { reason: [{ "anything-but": "already-as-desired" }] },
      },
      functions: ["reconcile-service"],
    },
    {
      name: "news-for-people",
      description: "What the operations channel reads.",
      pattern: {
        ...fromUs,
        $or: [
          { "detail-type": detailTypesWhere((row) => row.audience === "channel" && !row.countedInRollout) },
          {
            "detail-type": detailTypesWhere((row) => row.audience === "channel" && row.countedInRollout),
            detail: outsideRollouts,
          },
        ],
      },
      functions: ["notify-slack"],
    },
    {
      name: "rollout-news",
      description: "A rollout changed: its message in the operations channel is updated.",
      pattern: own(...detailTypesWhere(({ audience }) => audience === "rollout-message")),
      functions: ["rollout/report"],
    },
    {
      name: "root-ca-changed",
      description: "A control plane has another root CA bundle: a rotation is due.",
      pattern: own("Root CA Changed"),
      functions: ["rollout/request"],
    },
  ];
}

/** The home bus's rules for operators' events. */
export function operatorRules({ homeAccount }: HomeOptions): readonly HomeRule[] {
  const asked = (detailType: OperatorDetailType): EventPattern => ({
    source: [eventSources.operator],
    account: [homeAccount],
    "detail-type": [detailType],
  });
  return [
    {
      name: "rollout-requested",
      description: "An operator requests a rollout.",
      pattern: asked("Rollout Requested"),
      functions: ["rollout/request"],
    },
    {
      name: "rollout-controlled",
      description: "An operator pauses, resumes, approves, aborts or rolls back a rollout.",
      pattern: asked("Rollout Control"),
      functions: ["rollout/control"],
    },
    {
      name: "release-requested",
      description: "An operator releases services that no sweep reads any more.",
      pattern: asked("Release Requested"),
      functions: ["rollout/control"],
    },
    {
      name: "root-ca-rotated",
      description: "A pipeline has rotated the mesh's root CA.",
      pattern: asked("Root CA Rotated"),
      functions: ["watch-root-ca"],
    },
  ];
}
