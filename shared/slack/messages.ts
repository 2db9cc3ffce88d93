import { parseServiceArn, serviceRef } from "../arn.ts";
import { driftReasons, refusals, warnings } from "../enrollment/reasons.ts";
import { failures } from "../errors.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";
import { code, escapeText, link } from "./mrkdwn.ts";

/** The blocks of Slack's Block Kit that the messages are made of. */
export type Block =
  | { readonly type: "section"; readonly text: { readonly type: "mrkdwn"; readonly text: string } }
  | {
      readonly type: "context";
      readonly elements: readonly { readonly type: "mrkdwn"; readonly text: string }[];
    };

/** A message for chat.postMessage or an incoming webhook: `text` is what notifications show. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly Block[];
}

/**
 * With the sentences around it this keeps a section below Slack's 3,000 characters, and all of them below the 4,000 that
 * Slack advises for a text. https://docs.slack.dev/reference/block-kit/blocks/section-block
 */
const DETAIL_LIMIT = 400;
/** More reasons than these are only counted. */
const MAX_LINES = 6;

/** What happened, in a headline and in lines: each becomes a section. Everything is escaped already. */
interface Story {
  readonly icon: string;
  readonly headline: string;
  readonly lines: readonly string[];
  /** Where: account, region, revision. */
  readonly context: readonly string[];
}

/**
 * The message that tells an event: the service or control plane by name, what happened and why, and the fix. Tag values
 * and error texts in it are escaped and cut.
 */
export function messageFor(event: OutgoingEvent): SlackMessage {
  const { icon, headline, lines, context } = storyOf(event);
  const rest = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more`] : [];
  const body = [...lines.slice(0, MAX_LINES), ...rest];
  return {
    text: [`${icon} ${headline}`, ...body].join("\n"),
    blocks: [
      section(`${icon} *${headline}*`),
      ...body.map(section),
      { type: "context", elements: context.map((text) => ({ type: "mrkdwn", text })) },
    ],
  };
}

function section(text: string): Block {
  return { type: "section", text: { type: "mrkdwn", text } };
}

function storyOf({ detailType, detail }: OutgoingEvent): Story {
  switch (detailType) {
    case "Service Enrolled":
      return {
        icon: ":white_check_mark:",
        headline: `${nameOf(detail)} is in the mesh`,
        lines: identityLines(detail),
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Updated":
      return {
        icon: ":arrows_counterclockwise:",
        headline: `${nameOf(detail)} is up to date in the mesh`,
        lines: detail.drift.map((reason) => `• ${driftReasons[reason]}`),
        context: [...where(detail), ...revision(detail)],
      };
    case "Drift Corrected":
      return {
        icon: ":wrench:",
        headline: `${nameOf(detail)} is back in the mesh`,
        lines: detail.drift.map((reason) => `• ${driftReasons[reason]}`),
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Unenrolled":
      return {
        icon: ":wave:",
        headline: `${nameOf(detail)} is out of the mesh`,
        lines: detail.reason === undefined ? [] : [unenrollSentences[detail.reason]],
        context: [...where(detail), ...revision(detail)],
      };
    case "Service Refused":
      return {
        icon: ":no_entry:",
        headline: `${nameOf(detail)} can't join the mesh, nothing was changed`,
        lines: detail.refusals.map(({ reason, detail: said }) => {
          const { sentence, fix } = refusals[reason];
          return `• ${sentence} ${escapeText(said, DETAIL_LIMIT)}\n   _Fix:_ ${fix}`;
        }),
        context: where(detail),
      };
    case "Service Warned":
      return {
        icon: ":warning:",
        headline: `${nameOf(detail)} is enrolled, with a warning`,
        lines: detail.warnings.map((one) => `• ${warnings[one.code]} ${escapeText(one.detail, DETAIL_LIMIT)}`),
        context: where(detail),
      };
    case "Service Roll Failed":
      return rollFailedStory(detail);
    case "Service Roll Superseded":
      return {
        icon: ":leftwards_arrow_with_hook:",
        headline: `${nameOf(detail)}: somebody else acted meanwhile, the roll ended`,
        lines: [escapeText(detail.reason, DETAIL_LIMIT)],
        context: where(detail),
      };
    case "Root CA Changed":
      return {
        icon: ":key:",
        headline: `The root CA bundle of ${escapeText(detail.controlPlane, 100)} has changed`,
        lines: [`It holds ${detail.fingerprints.length} certificate(s), before ${detail.previousFingerprints.length}.`],
        context: detail.fingerprints.slice(0, 5).map((fingerprint) => code(fingerprint, 120)),
      };
    case "Root CA Expiring":
      return {
        icon: ":hourglass:",
        headline: `A root CA of ${escapeText(detail.controlPlane, 100)} ends in ${detail.daysLeft} day(s)`,
        lines: [`${escapeText(detail.subject, DETAIL_LIMIT)} is valid until ${detail.notAfter}.`],
        context: [code(detail.fingerprint, 120)],
      };
  }
}

const unenrollSentences = {
  "tag-removed": "The enroll tag was removed.",
  "tag-false": "The enroll tag is false.",
} as const;

function rollFailedStory(detail: Extract<OutgoingEvent, { detailType: "Service Roll Failed" }>["detail"]): Story {
  const { sentence, fix } = failures[detail.code];
  const name = nameOf(detail);
  // What failed in a step of the roll says the sentence itself.
  const cause = detail.sentence.includes(sentence) ? detail.sentence : `${sentence} ${detail.sentence}`;
  return {
    icon: detail.reverted ? ":rewind:" : ":rotating_light:",
    headline: detail.reverted
      ? `${name}: the roll failed, the service is back on its last good revision`
      : `${name}: the roll failed and the service could NOT be taken back`,
    lines: [
      `*Cause:* ${escapeText(cause, 1000)}`,
      `*Fix:* ${fix}`,
      ...(detail.reverted ? [] : ["*Now:* look at the service in ECS: it is not tried again blindly."]),
      ...(detail.nextAttemptAt === undefined ? [] : [`The same is not tried again before ${detail.nextAttemptAt}.`]),
    ],
    context: [
      ...where(detail),
      ...(detail.revertedTo === undefined ? [] : [`runs ${code(shortRevision(detail.revertedTo), 250)}`]),
    ],
  };
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

function nameOf({ serviceArn }: { readonly serviceArn: string }): string {
  const ref = parseServiceArn(serviceArn);
  return ref ? `${ref.clusterName}/${ref.serviceName}` : escapeText(serviceArn, 300);
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
