import { describe, expect, it } from "vitest";
import type { Json } from "../base/json.ts";
import { blockProblems } from "../slack/blocks.ts";

const mrkdwn = (length: number) => ({ type: "mrkdwn", text: "x".repeat(length) });
const label = (length: number) => ({ type: "plain_text", text: "x".repeat(length) });
const section = (text: Json) => ({ type: "section", text });
const button = (more: { readonly [key: string]: Json }) => ({
  type: "actions",
  elements: [{ type: "button", text: label(75), ...more }],
});

describe("blocks of Slack", () => {
  it.each<[string, readonly Json[]]>([
    ["50 dividers", Array(50).fill({ type: "divider" })],
    ["a section of 3000 characters", [section(mrkdwn(3000))]],
    ["10 fields of 2000 characters", [{ type: "section", fields: Array(10).fill(mrkdwn(2000)) }]],
    ["a header of 150 characters", [{ type: "header", text: label(150) }]],
    ["a button of 75 characters and a value of 2000", [button({ value: "x".repeat(2000), url: "https://a.example" })]],
    [
      "a context of text and image",
      [{ type: "context", elements: [mrkdwn(1), { type: "image", image_url: "https://a.example", alt_text: "a" }] }],
    ],
  ])("takes %s", (_what, blocks) => {
    expect(blockProblems(blocks)).toEqual([]);
  });

  it.each<[string, readonly Json[], string]>([
    ["51 blocks", Array(51).fill({ type: "divider" }), "no more than 50 items allowed [json-pointer:/blocks]"],
    [
      "a long section",
      [{ type: "divider" }, section(mrkdwn(3001))],
      "must be less than 3001 characters [json-pointer:/blocks/1/text/text]",
    ],
    ["an empty section", [section(mrkdwn(0))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"],
    [
      "a section with nothing",
      [{ type: "section" }],
      "must define either `text` or `fields` [json-pointer:/blocks/0/type]",
    ],
    [
      "11 fields",
      [{ type: "section", fields: Array(11).fill(mrkdwn(1)) }],
      "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ],
    [
      "a long field",
      [{ type: "section", fields: [mrkdwn(2001)] }],
      "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ],
    [
      "a long header",
      [{ type: "header", text: label(151) }],
      "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ],
    [
      "a header in mrkdwn",
      [{ type: "header", text: mrkdwn(1) }],
      "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ],
    [
      "a long button",
      [button({ text: label(76) })],
      "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ],
    [
      "a long value",
      [button({ value: "x".repeat(2001) })],
      "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ],
    [
      "a long address",
      [button({ url: "x".repeat(3001) })],
      "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]",
    ],
    [
      "a long id",
      [button({ action_id: "x".repeat(256) })],
      "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ],
    [
      "11 elements of a context",
      [{ type: "context", elements: Array(11).fill(mrkdwn(1)) }],
      "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ],
    [
      "26 buttons",
      [{ type: "actions", elements: Array(26).fill({ type: "button", text: label(1) }) }],
      "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ],
    ["a type that there is not", [{ type: "sections" }], "unsupported type: sections [json-pointer:/blocks/0/type]"],
    [
      "a type of JavaScript's",
      [{ type: "constructor" }],
      "unsupported type: constructor [json-pointer:/blocks/0/type]",
    ],
    ["a text for a block", ["x"], "missing required field: type [json-pointer:/blocks/0]"],
    ["a text for a text object", [section("x")], "missing required field: text [json-pointer:/blocks/0]"],
    [
      "an object for elements",
      [{ type: "context", elements: {} }],
      "missing required field: elements [json-pointer:/blocks/0]",
    ],
  ])("refuses %s and says where", (_what, blocks, problem) => {
    expect(blockProblems(blocks)).toEqual([problem]);
  });
});
