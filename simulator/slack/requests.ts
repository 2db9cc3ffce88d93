import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { isNestedTooDeep } from "../http/depth.ts";
import type { SimulatorRequest } from "../http/message.ts";
import { blockProblems } from "./blocks.ts";
import type { SlackContent } from "./readers.ts";

/** The answer of a Web API method: `ok`, or an error code of Slack's. */
export type SlackAnswer = Readonly<Record<string, Json>>;

const text = z.string().max(40_000).default("");
const blocks = z.array(z.custom<Json>()).default([]);
const content = { text, blocks, parse: z.string().optional() };

export const postSchema = z.object({ channel: z.string().min(1), ...content, thread_ts: z.string().optional() });
export const updateSchema = z.object({ channel: z.string().min(1), ts: z.string().min(1), ...content });
export const webhookSchema = z.object({ text, blocks });

/** What Slack says of content that it does not take. */
export function refuseContent({ text, blocks }: SlackContent): SlackAnswer | undefined {
  if (text === "" && blocks.length === 0) return { ok: false, error: "no_text" };
  const problems = blockProblems(blocks);
  return problems.length === 0 ? undefined : invalidBlocks(problems);
}

function invalidBlocks(problems: readonly string[]): SlackAnswer {
  const messages = problems.map((one) => `[ERROR] ${one}`);
  return { ok: false, error: "invalid_blocks", errors: problems, response_metadata: { messages } };
}

/** The answer to a request whose members are missing or of a wrong type. */
export function refuseMembers(error: z.ZodError): SlackAnswer {
  const member = String(error.issues[0]?.path[0]);
  const codes: ReadonlyMap<string, string> = new Map([
    ["channel", "channel_not_found"],
    ["text", error.issues[0]?.code === "too_big" ? "msg_too_long" : "invalid_arguments"],
    ["blocks", "invalid_blocks_format"],
    ["ts", "message_not_found"],
    ["thread_ts", "invalid_arguments"],
  ]);
  return { ok: false, error: codes.get(member) ?? "invalid_arguments" };
}

/**
 * The members of a Web API request: of a JSON object, or of a form whose values are plain text or JSON; else Slack's
 * code for why there are none. https://docs.slack.dev/apis/web-api/#post_bodies
 */
export function requestMembers({ headers, body }: SimulatorRequest): JsonObject | string {
  const type = headers["content-type"] ?? "";
  if (isNestedTooDeep(body)) return "invalid_json";
  if (type.startsWith("application/json")) {
    const json = parsedJson(body);
    if (json === undefined) return "invalid_json";
    return isJsonObject(json) ? json : "json_not_object";
  }
  if (body !== "" && !type.startsWith("application/x-www-form-urlencoded"))
    return type === "" ? "missing_post_type" : "invalid_post_type";
  const members = [...new URLSearchParams(body)].map(([name, value]): [string, Json] => {
    const json = name === "blocks" && !isNestedTooDeep(value) ? parsedJson(value) : value;
    return [name, json === undefined ? value : json];
  });
  return Object.fromEntries(members);
}

/** `undefined` for a text that is not JSON. */
export function parsedJson(body: string): Json | undefined {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
