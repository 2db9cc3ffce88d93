import { describe, expect, it } from "vitest";
import { readMrkdwn, type SlackPart, type SlackStyle } from "../slack/mrkdwn.ts";
import { viewOf } from "../slack/readers.ts";

const plain = (text: string, ...styles: SlackStyle[]): SlackPart => ({ kind: "text", text, styles });
const link = (url: string, text = url): SlackPart => ({ kind: "link", url, text });

describe("mrkdwn, as Slack's clients show it", () => {
  it.each<[string, readonly SlackPart[]]>([
    ["plain", [plain("plain")]],
    ["", []],
    [
      "see <https://a.example/?x=1&amp;y|the page>.",
      [plain("see "), link("https://a.example/?x=1&y", "the page"), plain(".")],
    ],
    ["<https://a.example>", [link("https://a.example")]],
    ["<mailto:a@b.example|write>", [link("mailto:a@b.example", "write")]],
    [
      "<@U012AB3CD> and <@W1|bob>",
      [{ kind: "mention", user: "U012AB3CD" }, plain(" and "), { kind: "mention", user: "W1" }],
    ],
    [
      "<!here> <!channel|@channel>",
      [{ kind: "broadcast", to: "here" }, plain(" "), { kind: "broadcast", to: "channel" }],
    ],
    ["<!subteam^S1>", [{ kind: "broadcast", to: "subteam^S1" }]],
    ["<#C024BE7LR|general>", [{ kind: "channel", channel: "C024BE7LR" }]],
    ["<!date^1392734382^{date}|Feb 18>", [plain("Feb 18")]],
    ["<!date^1392734382^{date}^https://a.example/|Feb 18>", [link("https://a.example/", "Feb 18")]],
    ["<nothing>", [plain("<nothing>")]],
    ["&lt;!here&gt; &amp;lt; &quot;", [plain("<!here> &lt; &quot;")]],
    ["https://a.example/x, or.", [link("https://a.example/x"), plain(", or.")]],
    ["`https://a.example`", [link("https://a.example")]],
    [
      "@here, a@channel.example #ops c#x",
      [
        { kind: "broadcast", to: "here" },
        plain(", a@channel.example "),
        { kind: "channel", channel: "ops" },
        plain(" c#x"),
      ],
    ],
    [
      "*bold* _it_ ~no~ `code` a_b_c 2*3*4",
      [
        plain("bold", "bold"),
        plain(" "),
        plain("it", "italic"),
        plain(" "),
        plain("no", "strike"),
        plain(" "),
        plain("code", "code"),
        plain(" a_b_c 2*3*4"),
      ],
    ],
    [
      "*_both_ <https://a.example|x>*",
      [plain("both", "bold", "italic"), plain(" ", "bold"), link("https://a.example", "x")],
    ],
    ["```\n*a*\n```", [plain("\n*a*\n", "code")]],
    ["\ue0000\ue001", [plain("\ufffd0\ufffd")]],
  ])("%j", (text, parts) => {
    expect(readMrkdwn(text, { verbatim: false })).toEqual(parts);
  });

  it("that is verbatim finds nothing in plain text, but follows angle brackets", () => {
    const text = "https://a.example @here #ops <https://b.example|b> *c*";
    expect(readMrkdwn(text, { verbatim: true })).toEqual([
      plain("https://a.example @here #ops "),
      link("https://b.example", "b"),
      plain(" "),
      plain("c", "bold"),
    ]);
  });

  it("of the longest section is read at once", () => {
    for (const one of ["*", "_a", "`", "<", "<!", "https://", "*a* "]) {
      const text = one.repeat(3000 / one.length);
      expect(readMrkdwn(text, { verbatim: false })).not.toEqual([]);
    }
  });
});

describe("what readers see of a message", () => {
  const evil = "https://evil.example <!channel>";

  it("is its text when it has no blocks, with links unless parse is none", () => {
    const found = [link("https://evil.example"), plain(" "), { kind: "broadcast", to: "channel" }];
    const unfound = [plain("https://evil.example "), { kind: "broadcast", to: "channel" }];
    expect(viewOf({ text: evil, blocks: [] })).toEqual({ message: found, notification: unfound });
    expect(viewOf({ text: evil, blocks: [], parse: "none" }).message).toEqual(unfound);
  });

  it("is its blocks when it has some; the text is in the notification alone", () => {
    const block = { type: "header", text: { type: "plain_text", text: evil } };
    expect(viewOf({ text: "*n*", blocks: [block] })).toEqual({
      message: [plain(evil)],
      notification: [plain("n", "bold")],
    });
  });

  it.each([
    [
      "a section's fields",
      { type: "section", fields: [{ type: "mrkdwn", text: "<@U1>" }] },
      [{ kind: "mention", user: "U1" }],
    ],
    ["a verbatim text", { type: "section", text: { type: "mrkdwn", text: "@here", verbatim: true } }, [plain("@here")]],
    [
      "a button",
      {
        type: "actions",
        elements: [
          { type: "button", text: { type: "plain_text", text: "<!here>" }, url: "https://a.example", value: "<@U1>" },
        ],
      },
      [link("https://a.example"), plain("<!here>")],
    ],
    [
      "an image",
      { type: "image", image_url: "https://a.example/i.png", alt_text: "i" },
      [link("https://a.example/i.png")],
    ],
    ["Markdown", { type: "markdown", text: "[x](https://a.example)" }, [link("https://a.example", "x")]],
    [
      "rich text",
      {
        type: "rich_text",
        elements: [
          {
            type: "rich_text_section",
            elements: [
              { type: "text", text: "<@U9> " },
              { type: "link", url: "https://a.example" },
              { type: "user", user_id: "U1" },
              { type: "usergroup", usergroup_id: "S1" },
              { type: "broadcast", range: "here" },
              { type: "channel", channel_id: "C1" },
            ],
          },
        ],
      },
      [
        plain("<@U9> "),
        link("https://a.example"),
        { kind: "mention", user: "U1" },
        { kind: "broadcast", to: "subteam^S1" },
        { kind: "broadcast", to: "here" },
        { kind: "channel", channel: "C1" },
      ],
    ],
  ])("is, of %s, links and mentions of any kind", (_what, block, parts) => {
    expect(viewOf({ text: "", blocks: [block] }).message).toEqual(parts);
  });
});
