import { agreeing, counted } from "../base/plural.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";

import type { TopicRules } from "./topic-rules.ts";

/** An event about a control plane or the fleet, or about a request that was refused. */
export type FleetNewsEvent = Extract<
  OutgoingEvent,
  {
    detailType:
      | `Root CA ${string}`
      | `Mesh ${string}`
      | "Services Orphaned"
      | "Ledger Restored"
      | "Fleet Contested"
      | "Rollout Refused";
  }
>;

const planes = (words: string) => (count: number) => `${counted(count, "control plane")}: ${words}`;
const roots = (one: string, several: string, rest: string) => (count: number) =>
  `${counted(count, "root CA")} ${agreeing(count, one, several)} ${rest}`;

/** The topics of the operations channel that such an event can belong to. */
export const fleetTopics = {
  "root-ca-changed": { icon: ":key:", headline: planes("the root CA bundle has changed") },
  "root-ca-cut-off": {
    icon: ":rotating_light:",
    headline: planes("the root CA bundle has changed, and running tasks are CUT OFF"),
    urgent: true,
    lasting: true,
  },
  "emergency-goes-on": {
    icon: ":rotating_light:",
    headline: planes("services are still CUT OFF"),
    urgent: true,
    lasting: true,
  },
  "emergency-stopped": {
    icon: ":rotating_light:",
    headline: planes("services are still CUT OFF, and the rotation was stopped"),
    urgent: true,
    lasting: true,
  },
  "emergency-over": {
    icon: ":white_check_mark:",
    headline: planes("no task is cut off from its root CA any more"),
    urgent: true,
    lasting: true,
  },
  "root-ca-stage": { icon: ":key:", headline: planes("the rotation of the root CA has come to its next stage") },
  "root-ca-retirable": { icon: ":unlock:", headline: planes("no running task needs the old root CAs any more") },
  "root-ca-expiring": { icon: ":hourglass:", headline: roots("expires", "expire", "soon"), lasting: true },
  "root-ca-expired": {
    icon: ":rotating_light:",
    headline: roots("has", "have", "expired, and running tasks are CUT OFF"),
    urgent: true,
    lasting: true,
  },
  "gateway-ambiguous": {
    icon: ":twisted_rightwards_arrows:",
    headline: planes("several Services expose istiod"),
    lasting: true,
  },
  "shape-unknown": {
    icon: ":mag:",
    headline: planes("WorkloadEntries can't prove that a task is in the mesh"),
    urgent: true,
    lasting: true,
  },
  "identity-warned": {
    icon: ":warning:",
    headline: (count) =>
      `${counted(count, "thing")} that services in the mesh share ${agreeing(count, "is", "are")} wrong`,
    lasting: true,
  },
  "services-orphaned": {
    icon: ":ghost:",
    headline: (count) => `${counted(count, "group")} of services in the mesh: no sweep can read them any more`,
    lasting: true,
    list: "npm run autopilot -- status",
  },
  "services-released": {
    icon: ":wave:",
    headline: (count) => `${counted(count, "group")} of services ${agreeing(count, "was", "were")} released`,
  },
  "ledger-restored": {
    icon: ":rotating_light:",
    headline: (count) =>
      `${counted(count, "ledger")} emptied or restored: nothing is rolled until what runs is adopted`,
    urgent: true,
    lasting: true,
  },
  "ledger-adopted": {
    icon: ":white_check_mark:",
    headline: (count) => `${counted(count, "ledger")}: what runs is adopted`,
  },
  "fleet-contested": {
    icon: ":crossed_swords:",
    headline: (count) =>
      `${counted(count, "value")} of the fleet ${agreeing(count, "is", "are")} changed by two writers in turns`,
    urgent: true,
    lasting: true,
  },
  "rollout-refused": {
    icon: ":no_entry:",
    headline: (count) =>
      `${agreeing(count, "A request", "Requests")} about ${counted(count, "rollout")} ${agreeing(count, "was", "were")} refused: nothing was changed`,
    lasting: true,
    list: "npm run autopilot -- rollout list",
  },
} as const satisfies Readonly<Record<string, TopicRules>>;
export type FleetTopic = keyof typeof fleetTopics;

/** What an event is about, and why it happened. Both are a subject's identity: news of equal ones is the same news. */
export interface FleetTopicOf {
  readonly topic: FleetTopic;
  readonly cause: string;
  readonly subject: string;
}

/** The topic, cause and subject of an event. */
export function fleetTopicOf(event: FleetNewsEvent): FleetTopicOf {
  switch (event.detailType) {
    case "Root CA Changed": {
      const { controlPlane: subject, cutOff, fingerprints } = event.detail;
      const topic = cutOff && cutOff.services > 0 ? "root-ca-cut-off" : "root-ca-changed";
      return { topic, cause: shortened(fingerprints), subject };
    }
    case "Root CA Emergency":
      return { topic: `emergency-${event.detail.state}`, cause: "", subject: event.detail.controlPlane };
    case "Root CA Stage":
      return { topic: "root-ca-stage", cause: event.detail.stage, subject: event.detail.controlPlane };
    case "Root CA Retirable":
      return { topic: "root-ca-retirable", cause: "", subject: event.detail.controlPlane };
    case "Root CA Expiring": {
      const { controlPlane, fingerprint, cutOff } = event.detail;
      const topic = cutOff && cutOff.services > 0 ? "root-ca-expired" : "root-ca-expiring";
      return { topic, cause: "", subject: `${controlPlane}: ${fingerprint.slice(0, 23)}` };
    }
    case "Mesh Gateway Ambiguous":
      return { topic: "gateway-ambiguous", cause: "", subject: event.detail.controlPlane };
    case "Mesh Shape Unknown":
      return { topic: "shape-unknown", cause: event.detail.mark, subject: event.detail.controlPlane };
    case "Mesh Identity Warned": {
      const { controlPlane, code, detail } = event.detail;
      return { topic: "identity-warned", cause: code, subject: `${controlPlane}: ${detail}`.slice(0, 200) };
    }
    case "Services Orphaned": {
      const { state, named, services } = event.detail;
      const cause = [...new Set(named.map(({ why }) => why))].sort().join("+");
      return { topic: `services-${state}`, cause, subject: `${services}: ${named[0]?.serviceArn ?? ""}`.slice(0, 200) };
    }
    case "Ledger Restored": {
      const { state, cause } = event.detail;
      return { topic: state === "noticed" ? "ledger-restored" : "ledger-adopted", cause, subject: "ledger" };
    }
    case "Fleet Contested": {
      const { of, controlPlane } = event.detail;
      return {
        topic: "fleet-contested",
        cause: of,
        subject: controlPlane === undefined ? of : `${of} ${controlPlane}`,
      };
    }
    case "Rollout Refused":
      return { topic: "rollout-refused", cause: event.detail.code, subject: event.detail.rolloutId };
  }
}

/** Enough of the fingerprints to tell bundles apart. */
function shortened(fingerprints: readonly string[]): string {
  return fingerprints
    .map((one) => one.slice(0, 11))
    .join("+")
    .slice(0, 200);
}
