import { serviceRef } from "../base/arn.ts";
import { type FailureCode, failures } from "../base/errors.ts";
import { failureFixes } from "../base/failure-fixes.ts";
import { RUNBOOKS } from "../base/own-alarms.ts";
import { counted } from "../base/plural.ts";
import { stageKeys } from "../base/vocabulary.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";
import { driftReasons, refusals, sharedProblems, warnings } from "../model/reason-texts.ts";
import { contestedStory } from "./contested-story.ts";
import { quoted, type Story, type StoryLine, timeText } from "./layout.ts";
import { ledgerStory } from "./ledger-story.ts";
import { code, link, nameText } from "./mrkdwn.ts";
import { planeText, serviceText } from "./names.ts";
import { orphansStory } from "./orphans-story.ts";
import { isRolloutEvent, type RolloutEvent, rolloutStory } from "./rollout-stories.ts";
import { emergencyStory, expiringStory, retirableStory, rootCaChangedStory, stageStory } from "./root-ca-stories.ts";

/**
 * What an event says to people: which service, control plane or rollout, what happened and why, and the fix. Tag values
 * and error texts in it are escaped and cut. Without a stage, it is the lab's.
 */
export function storyFor(event: OutgoingEvent, stage?: string): Story {
  return isRolloutEvent(event) ? rolloutStory(event) : storyOf(event, stage);
}

function storyOf({ detailType, detail }: Exclude<OutgoingEvent, RolloutEvent>, stage?: string): Story {
  switch (detailType) {
    case "Service Enrolled":
      return {
        icon: ":white_check_mark:",
        headline: changed(detail, "is in the mesh", "is enrolled"),
        lines: [...identityLines(detail), ...reachLines(detail, stage), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Updated":
      return {
        icon: ":arrows_counterclockwise:",
        headline: changed(detail, "is up to date in the mesh", "has its update"),
        lines: [...detail.drift.map((reason) => `• ${driftReasons[reason]}`), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)],
      };
    case "Drift Corrected":
      return {
        icon: ":wrench:",
        headline: detail.executionName
          ? changed(detail, "is back in the mesh", "has its sidecar again")
          : `${serviceText(detail)} lacked what the mesh needs: it has it again`,
        lines: [...detail.drift.map((reason) => `• ${driftReasons[reason]}`), ...verificationLines(detail)],
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Unenrolled":
      return {
        icon: ":wave:",
        headline: `${serviceText(detail)} is out of the mesh`,
        lines: detail.reason === undefined ? [] : [unenrollSentences[detail.reason]],
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Refused":
      return {
        icon: ":no_entry:",
        headline: detail.enrolled
          ? `${serviceText(detail)} stays in the mesh as it is, its tags can't be followed: nothing was changed`
          : `${serviceText(detail)} can't join the mesh: nothing was changed`,
        lines: detail.refusals.map(({ reason, detail: found }) => {
          const { sentence, fix } = refusals[reason];
          return quoted(`• ${sentence}`, found, { tail: `\n   _Fix:_ ${fix}` });
        }),
        context: where(detail),
      };
    case "Service Warned":
      return {
        icon: ":warning:",
        headline: `${serviceText(detail)} has the enroll tag, and a warning`,
        lines: detail.warnings.map((one) => quoted(`• ${warnings[one.code]}`, one.detail)),
        context: where(detail),
      };
    case "Service Roll Failed":
      return rollFailedStory(detail);
    case "Service Unhealthy":
      return unhealthyStory(detail);
    case "Service Throttled":
      return {
        icon: ":hourglass:",
        headline: `${serviceText(detail)}: its tags change too often`,
        lines: [
          `They have started ${counted(detail.rolls, "roll")} within an hour. What they ask for then is done at ${timeText(detail.until)}.`,
          "_Fix:_ Find who changes them, in CloudTrail by `TagResource` and `UntagResource` of the service.",
        ],
        context: where(detail),
      };
    case "Service Contested":
      return {
        icon: ":crossed_swords:",
        headline: `${serviceText(detail)}: another controller puts its revision back after each correction`,
        lines: [
          `It was corrected ${detail.corrections === 1 ? "once" : `${detail.corrections} times`}. The other's revision: ${code(shortRevision(detail.taskDefinitionArn), 250)}`,
          ...(detail.ownRevisionArn === undefined
            ? []
            : [`The autopilot's: ${code(shortRevision(detail.ownRevisionArn), 250)}`]),
          `*Fix:* Let the other controller keep the revision that runs, or set the enroll tag to false. The next correction is at ${timeText(detail.until)}.`,
        ],
        context: where(detail),
      };
    case "Service Roll Superseded":
      return {
        icon: ":leftwards_arrow_with_hook:",
        headline: `${serviceText(detail)}: the roll was superseded, it changed nothing more`,
        lines: [reasonOf(detail.reason)],
        context: where(detail),
      };
    case "Root CA Changed":
      return rootCaChangedStory(detail);
    case "Root CA Emergency":
      return emergencyStory(detail);
    case "Root CA Stage":
      return stageStory(detail);
    case "Root CA Retirable":
      return retirableStory(detail);
    case "Root CA Expiring":
      return expiringStory(detail);
    case "Mesh Gateway Ambiguous":
      return {
        icon: ":twisted_rightwards_arrows:",
        headline: `${planeText(detail)}: several Services expose istiod`,
        lines: [
          `Tokens name ${nameText(detail.istiodUrl, 300)}. Also exposed: ${nameText(detail.others.join(", "), 400)}`,
          "_Fix:_ Take the label `istio.io/expose-istiod` from those that tasks must not use. Nothing changes until then.",
        ],
        context: [],
      };
    case "Mesh Identity Warned":
      return {
        icon: ":warning:",
        headline: `${planeText(detail)}: services in the mesh share something that is wrong`,
        lines: [
          quoted(sharedProblems[detail.code].sentence, detail.detail),
          `_Fix:_ ${sharedProblems[detail.code].fix}`,
        ],
        context: detail.services.slice(0, 4).map((serviceArn) => serviceText({ serviceArn })),
      };
    case "Services Orphaned":
      return orphansStory(detail);
    case "Ledger Restored":
      return ledgerStory(detail);
    case "Fleet Contested":
      return contestedStory(detail);
    case "Mesh Shape Unknown":
      return {
        icon: ":mag:",
        headline: `${planeText(detail)}: its WorkloadEntries can't prove that a task is in the mesh`,
        lines: [
          quoted(`No entry shows ${markWords[detail.mark] ?? nameText(detail.mark)}. One of them:`, detail.seen),
          "Rolls stay as they are and end unverified until an entry shows it.",
          `_Fix:_ ${failureFixes["mesh-shape-unknown"]}`,
        ],
        context: [],
      };
  }
}

/** The marks of a WorkloadEntry for people. */
const markWords: Readonly<Record<string, string>> = {
  task: "the ECS task that it belongs to",
  "service account": "a service account",
  HBONE: "that its task takes HBONE",
};

interface Verified {
  readonly serviceArn: string;
  readonly verification?: "pending" | "late" | undefined;
}

/** What a service is after its roll; where it runs no task, not more than what was done to it. */
function changed(detail: Verified, is: string, was: string): string {
  return `${serviceText(detail)} ${detail.verification === "pending" ? `${was}, not verified` : is}`;
}

function verificationLines({ verification }: Verified): readonly string[] {
  if (verification === undefined) return [];
  return verification === "late"
    ? ["The first tasks since its last change are verified."]
    : [
        "Nothing can show whether it works: it runs no task, or no entry of its control plane can prove one.",
        "It is verified when it first has tasks.",
      ];
}

/** The sentence of a code; any other text as it is. */
function reasonOf(reason: string): StoryLine {
  const known = Object.entries(failures).find(([code]) => code === reason)?.[1];
  return known ? known.sentence : quoted("", reason);
}

const unenrollSentences = {
  "tag-removed": "The enroll tag was removed.",
  "tag-false": "The enroll tag is false.",
} as const;

function unhealthyStory(detail: Extract<OutgoingEvent, { detailType: "Service Unhealthy" }>["detail"]): Story {
  const { code: failure, sentence: found, since, stoppedTasks } = detail;
  const { sentence } = failures[failure];
  const fix = failureFixes[failure];
  return {
    icon: ":broken_heart:",
    headline: `${serviceText(detail)} ${stoppedTasks === undefined ? "still does not run: somebody has to act" : "is in the mesh, and its tasks keep dying"}`,
    lines: [
      quoted("*Cause:*", found.includes(sentence) ? found : `${sentence} ${found}`, { maxLength: 1000 }),
      `*Fix:* ${fix}`,
      stoppedTasks === undefined
        ? `It is so since ${timeText(since)}.`
        : `${counted(stoppedTasks, "task")} died since ${timeText(since)}. No roll was under way.`,
    ],
    context: [...where(detail), ...revision(detail)],
  };
}

/** Failures of what runs already: a roll that ends so without a change was to verify it, with nothing to return to. */
const ofWhatRuns: readonly FailureCode[] = [
  "not-verified",
  "workload-entry-missing",
  "workload-identity-differs",
  "workload-not-redirected",
  "ztunnel-unhealthy",
  "application-failed",
  "tasks-stopping",
];

function failedWords(detail: Pick<RollFailed, "reverted" | "unchanged" | "code">): string {
  const { reverted, unchanged, code: failure } = detail;
  if (unchanged && ofWhatRuns.includes(failure)) return "it could not be verified, and runs on as it is";
  if (unchanged) return "the roll failed before it deployed anything";
  return reverted
    ? "the roll failed and was reverted to the last good revision"
    : "the roll failed and could NOT be reverted";
}

type RollFailed = Extract<OutgoingEvent, { detailType: "Service Roll Failed" }>["detail"];

function rollFailedStory(detail: RollFailed): Story {
  const { sentence } = failures[detail.code];
  const fix = failureFixes[detail.code];
  const name = serviceText(detail);
  // The detail of a failed step begins with the sentence already.
  const cause = detail.sentence.includes(sentence) ? detail.sentence : `${sentence} ${detail.sentence}`;
  return {
    icon: detail.reverted ? ":rewind:" : ":rotating_light:",
    headline: `${name}: ${failedWords(detail)}`,
    lines: [
      quoted("*Cause:*", cause, { maxLength: 1000 }),
      `*Fix:* ${fix}`,
      ...(detail.reverted ? [] : ["*Now:* check the service in ECS. The autopilot does not blindly try again."]),
      // A rollout does not come again for the service, and what could not be reverted waits for somebody.
      ...(detail.nextAttemptAt === undefined || detail.rolloutId !== undefined || !detail.reverted
        ? []
        : [`The same change is not tried again before ${timeText(detail.nextAttemptAt)}.`]),
    ],
    context: [
      ...where(detail),
      ...(detail.revertedTo === undefined ? [] : [`runs ${code(shortRevision(detail.revertedTo), 250)}`]),
      `code ${code(detail.code, 60)}`,
      `roll ${code(detail.executionName, 100)}: \`${RUNBOOKS}#where-to-look\``,
    ],
  };
}

/** What a sidecar that redirects nothing leaves out of the mesh; nothing of a service that is not verified yet. */
function reachLines(
  { verification }: { verification?: "pending" | "late" | undefined },
  stage: string | undefined,
): readonly string[] {
  if (verification === "pending") return [];
  const tag = code(stageKeys(stage).tags.proxyEnv, 150);
  return [
    `Without the tag ${tag}, outbound traffic is not in the mesh. The application's own port stays reachable in plain text.`,
  ];
}

function identityLines({
  namespace,
  serviceAccount,
}: {
  namespace?: string | undefined;
  serviceAccount?: string | undefined;
}) {
  if (namespace === undefined || serviceAccount === undefined) return [];
  return [`As ${code(`${namespace}/${serviceAccount}`, 350)}`];
}

function where({ serviceArn }: { readonly serviceArn: string }): readonly string[] {
  const { account, region, clusterName, serviceName } = serviceRef(serviceArn);
  const host = region.startsWith("cn-") ? "console.amazonaws.cn" : `${region}.console.aws.amazon.com`;
  const url = `https://${host}/ecs/v2/clusters/${clusterName}/services/${serviceName}?region=${region}`;
  return [`account ${account}, ${region}, cluster ${clusterName}`, link(url, "open in ECS")];
}

function revision({ taskDefinitionArn }: { readonly taskDefinitionArn: string }): readonly string[] {
  return [`runs ${code(shortRevision(taskDefinitionArn), 250)}`];
}

/** `family:revision` of a task definition's ARN. */
function shortRevision(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
