import { parseServiceArn } from "../base/arn.ts";
import { counted } from "../base/plural.ts";
import type { Group, News } from "../model/channel.ts";
import { layOut, type SlackMessage, type Story, type StoryLine, timeText } from "./layout.ts";
import { code } from "./mrkdwn.ts";
import { causeText, rulesOf } from "./topics.ts";

const LIST_SERVICES = "npm run autopilot -- status";
const SHOWN_CAUSES = 3;
const SHOWN_NAMES = 3;
/** With ten stories a message stays below Slack's 50 blocks and 40,000 characters. */
const STORIES_A_REPLY = 4;
/** Of the bytes of a story, as it is kept until it is announced. */
const STORY_BYTES = 2_400;

/** The message of a group: the news itself while it is about one subject, else the causes that the group shares. */
export function groupMessage(
  group: Group,
  { stage, threads }: { readonly stage: string /** False for a webhook. */; readonly threads: boolean },
): SlackMessage {
  return layOut(group.alone?.story ?? groupStory(group, threads), stage);
}

/** No more of a group than its headline. */
export function headlineMessage(group: Group, stage: string): SlackMessage {
  const { icon, headline } = group.alone?.story ?? groupStory(group, false);
  return layOut({ icon, headline, lines: [], context: [] }, stage);
}

function groupStory({ topic, count, causes, named, openedMs }: Group, threads: boolean): Story {
  const { icon, headline, list = LIST_SERVICES } = rulesOf(topic);
  const sorted = causes.toSorted((one, other) => other.count - one.count);
  const texts = sorted.flatMap((one) => {
    const text = causeText(topic, one.cause);
    return text ? [{ ...text, count: one.count }] : [];
  });
  const rest = texts.length - SHOWN_CAUSES;
  return {
    icon,
    headline: headline(count),
    lines: [
      ...texts.slice(0, SHOWN_CAUSES).map(causeLine),
      ...(rest > 0 ? [`• and ${counted(rest, "more cause")}`] : []),
      namesLine(named, count),
      `${threads ? "The details are in the thread. " : ""}List them with ${code(list, 100)}.`,
    ],
    context: [`since ${timeText(openedMs)}`],
  };
}

function causeLine({ count, sentence, fix }: { count: number; sentence: string; fix?: string | undefined }): StoryLine {
  return `• ${count}: ${sentence}${fix === undefined ? "" : `\n   _Fix:_ ${fix}`}`;
}

function namesLine(named: readonly string[], count: number): StoryLine {
  const names = named.slice(0, SHOWN_NAMES).map(nameOf);
  const more = count - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function nameOf(subject: string): string {
  const ref = parseServiceArn(subject);
  return code(ref ? `${ref.clusterName}/${ref.serviceName}` : subject, 200);
}

/** The details of news that has joined a group, for its thread: some stories in each reply. */
export function detailMessages(news: readonly News[], stage: string): readonly SlackMessage[] {
  const replies: SlackMessage[] = [];
  for (let from = 0; from < news.length; from += STORIES_A_REPLY) {
    const messages = news.slice(from, from + STORIES_A_REPLY).map(({ story }) => layOut(story, stage));
    replies.push({
      text: messages.map(({ text }) => text).join("\n\n"),
      blocks: messages.flatMap(({ blocks }) => blocks),
    });
  }
  return replies;
}

/** The story without its last lines where it has too many bytes to be kept. */
export function keptStory(story: Story): Story {
  let kept = story;
  while (Buffer.byteLength(JSON.stringify(kept)) > STORY_BYTES && kept.lines.length > 0) {
    kept = { ...kept, lines: kept.lines.slice(0, -1) };
  }
  return kept;
}
