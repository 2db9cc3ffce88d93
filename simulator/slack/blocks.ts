import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";

/**
 * What Slack says about blocks that it does not take, each with the place: `must be less than 3001 characters
 * [json-pointer:/blocks/0/text/text]`. Empty when it takes them.
 *
 * The limits are those of https://docs.slack.dev/reference/block-kit/blocks and of the pages of each block and element.
 * The words are those of answers that users of Slack quote in issues; where a wrong type has none, `missing required
 * field` stands for it.
 */
export function blockProblems(blocks: readonly Json[]): readonly string[] {
  const many = atMost(blocks, 50, "/blocks");
  return many.length > 0 ? many : blocks.flatMap((block, index) => problemsOf(block, `/blocks/${index}`));
}

function problemsOf(block: Json, at: string): readonly string[] {
  if (!isJsonObject(block) || typeof block.type !== "string") return [problem("missing required field: type", at)];
  const check = Object.hasOwn(checks, block.type) ? checks[block.type] : undefined;
  if (check === undefined) return [problem(`unsupported type: ${block.type}`, `${at}/type`)];
  return [...idProblems(block, "block_id", at), ...check(block, at)];
}

type Check = (block: JsonObject, at: string) => readonly string[];

const checks: Readonly<Record<string, Check>> = {
  divider: () => [],
  section: (block, at) => {
    const { text, fields, accessory } = block;
    if (text === undefined && fields === undefined)
      return [problem("must define either `text` or `fields`", `${at}/type`)];
    return [
      ...(text === undefined ? [] : textProblems(text, 3000, `${at}/text`)),
      ...(fields === undefined ? [] : each(fields, 10, `${at}/fields`, (one, place) => textProblems(one, 2000, place))),
      ...(accessory === undefined ? [] : elementProblems(accessory, `${at}/accessory`)),
    ];
  },
  header: ({ text }, at) => textProblems(text, 150, `${at}/text`, ["plain_text"]),
  context: ({ elements }, at) =>
    each(elements, 10, `${at}/elements`, (one, place) =>
      isJsonObject(one) && one.type === "image" ? imageProblems(one, place) : textProblems(one, 3000, place),
    ),
  actions: ({ elements }, at) => each(elements, 25, `${at}/elements`, elementProblems),
  image: imageProblems,
  markdown: ({ text }, at) => lengthProblems(text, 12_000, `${at}/text`),
  rich_text: ({ elements }, at) => each(elements, Number.POSITIVE_INFINITY, `${at}/elements`, () => []),
};

function imageProblems(image: JsonObject, at: string): readonly string[] {
  return [
    ...lengthProblems(image.alt_text, 2000, `${at}/alt_text`),
    ...(image.image_url === undefined ? [] : lengthProblems(image.image_url, 3000, `${at}/image_url`)),
  ];
}

/** https://docs.slack.dev/reference/block-kit/block-elements/button-element; of other elements the id alone is read. */
function elementProblems(element: Json, at: string): readonly string[] {
  if (!isJsonObject(element) || typeof element.type !== "string") return [problem("missing required field: type", at)];
  const id = idProblems(element, "action_id", at);
  if (element.type !== "button") return id;
  const { text, value, url } = element;
  return [
    ...id,
    ...textProblems(text, 75, `${at}/text`, ["plain_text"]),
    ...(value === undefined ? [] : lengthProblems(value, 2000, `${at}/value`)),
    ...(url === undefined ? [] : lengthProblems(url, 3000, `${at}/url`)),
  ];
}

function idProblems(object: JsonObject, member: string, at: string): readonly string[] {
  return object[member] === undefined ? [] : lengthProblems(object[member], 255, `${at}/${member}`);
}

function textProblems(
  value: Json | undefined,
  most: number,
  at: string,
  types: readonly string[] = ["plain_text", "mrkdwn"],
): readonly string[] {
  if (!isJsonObject(value)) return [problem("missing required field: text", parentOf(at))];
  if (!types.includes(String(value.type))) return [problem(`unsupported type: ${String(value.type)}`, `${at}/type`)];
  return lengthProblems(value.text, most, `${at}/text`);
}

function lengthProblems(value: Json | undefined, most: number, at: string): readonly string[] {
  if (typeof value !== "string") return [problem(`missing required field: ${at.split("/").at(-1)}`, parentOf(at))];
  if (value.length === 0) return [problem("must be more than 0 characters", at)];
  return value.length > most ? [problem(`must be less than ${most + 1} characters`, at)] : [];
}

function each(value: Json | undefined, most: number, at: string, check: (one: Json, at: string) => readonly string[]) {
  if (!Array.isArray(value)) return [problem(`missing required field: ${at.split("/").at(-1)}`, parentOf(at))];
  return [...atMost(value, most, at), ...value.flatMap((one: Json, index) => check(one, `${at}/${index}`))];
}

function atMost(list: readonly Json[], most: number, at: string): readonly string[] {
  return list.length > most ? [problem(`no more than ${most} items allowed`, at)] : [];
}

function problem(what: string, at: string): string {
  return `${what} [json-pointer:${at}]`;
}

function parentOf(at: string): string {
  return at.slice(0, at.lastIndexOf("/"));
}
