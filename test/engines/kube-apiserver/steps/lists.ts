import * as z from "zod";
import { isJsonObject } from "../../../../shared/base/json.ts";
import type { ApiAnswer } from "../cluster/cluster.ts";
import { answered } from "../cluster/outcomes.ts";
import type { World } from "../cluster/worlds.ts";
import { type Chapter, given, namespace, type Step, workloadEntry } from "./step.ts";

const PATH = "/apis/networking.istio.io/v1/namespaces/paged/workloadentries";
const ENTRIES = 7;

const selectors = [
  "app=a",
  "app==a",
  "app!=a",
  "app",
  "!app",
  "app=a,odd",
  "app in (a,b)",
  "app notin (a)",
  "app=",
  "absent!=x",
  "=x",
  "app=!",
  "app=a b",
  "app=-a",
  `app=${"a".repeat(64)}`,
  "!app=a",
  "app,",
  "_x=a",
];

/** Lists by pages and label selectors. */
export const listsChapter: Chapter = {
  name: "lists",
  steps: [
    given("seven entries", fill),
    lists("all", {}),
    lists("a limit above them", { limit: "50" }),
    lists("a limit of zero", { limit: "0" }),
    lists("a negative limit", { limit: "-1" }),
    lists("a limit that is not a number", { limit: "abc" }),
    lists("the first page", { limit: "3" }),
    lists("the first page of a selection", { limit: "1", labelSelector: "odd" }),
    lists("a token of no page", { limit: "3", continue: "moon" }),
    ...selectors.map((labelSelector) => lists(`the selector ${labelSelector.slice(0, 20)}`, { labelSelector })),
    lists("an empty list of a missing namespace", {}, PATH.replace("paged", "nowhere")),
    lists("entries of all namespaces", { labelSelector: "app" }, PATH.replace("namespaces/paged/", "")),
    pages("page by page", async () => undefined),
    pages("an entry is made between the pages", (world) => world.put(entry(6, "5b"))),
    pages("an entry goes between the pages", (world) => world.remove(entry(6, "5b"))),
    pages("the tokens expire between the pages", (world) => world.expireTokens()),
    goesOn("the remainder, by the token of the refusal"),
  ],
};

async function fill(world: World): Promise<void> {
  await world.put(namespace("paged"));
  for (let number = 0; number < ENTRIES; number++) await world.put(entry(number));
}

function entry(number: number, name = String(number)) {
  const labels = { app: number < 3 ? "a" : "b", ...(number % 2 === 1 && { odd: "" }) };
  return workloadEntry(`paged/e${name}`, labels, { address: `10.0.0.${number}` });
}

function lists(what: string, query: Readonly<Record<string, string>>, path = PATH): Step {
  return { what, play: async (world) => listed(await list(world, query, path)) };
}

function list(world: World, query: Readonly<Record<string, string>>, path = PATH): Promise<ApiAnswer> {
  return world.send({ method: "GET", path: `${path}?${new URLSearchParams(query)}` });
}

const listSchema = z.object({
  kind: z.string(),
  apiVersion: z.string(),
  metadata: z.object({
    continue: z.string().optional(),
    remainingItemCount: z.number().optional(),
    resourceVersion: z.string(),
  }),
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })),
});

/** The names that a list has, and whether it goes on. */
function listed(answer: ApiAnswer): string {
  const list = listSchema.safeParse(answer.body).data;
  if (!list) return answered(answer);
  const { kind, apiVersion, metadata, items } = list;
  const names = items.map(({ metadata: { name } }) => name);
  const rest = metadata.continue ? `goes on, ${metadata.remainingItemCount ?? "?"} remain` : "ends";
  return `${answer.status} ${kind} ${apiVersion}: ${names.join(" ")}; ${rest}`;
}

/** The pages of a list, of three each, with something between the first and the second. */
function pages(what: string, between: (world: World) => Promise<unknown>): Step {
  return {
    what,
    play: async (world) => {
      const answers = [await list(world, { limit: "3" })];
      const versions = new Set([versionOf(answers[0])]);
      await between(world);
      for (let token = tokenOf(answers[0]); token !== undefined; token = tokenOf(answers.at(-1))) {
        const page = await list(world, { limit: "3", continue: token });
        answers.push(page);
        if (page.status >= 400) break; // its token continues an inconsistent list
        versions.add(versionOf(page));
      }
      return `${answers.map(listed).join(" | ")} (${versions.size === 1 ? "one version" : "several versions"})`;
    },
  };
}

function goesOn(what: string): Step {
  return {
    what,
    play: async (world) => {
      const first = await list(world, { limit: "3" });
      await world.expireTokens();
      const refused = await list(world, { limit: "3", continue: tokenOf(first) ?? "" });
      const token = tokenOf(refused);
      return token === undefined ? "no token" : listed(await list(world, { limit: "50", continue: token }));
    },
  };
}

function metadataOf(answer: ApiAnswer | undefined) {
  const body = answer?.body;
  return isJsonObject(body) && isJsonObject(body.metadata) ? body.metadata : {};
}

function tokenOf(answer: ApiAnswer | undefined): string | undefined {
  const token = metadataOf(answer).continue;
  return typeof token === "string" && token !== "" ? token : undefined;
}

function versionOf(answer: ApiAnswer | undefined): unknown {
  return metadataOf(answer).resourceVersion;
}
