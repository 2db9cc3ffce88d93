import { isJsonObject } from "../../../../shared/base/json.ts";
import type { ApiAnswer } from "../cluster/cluster.ts";
import { answered } from "../cluster/outcomes.ts";
import { account, applies, apply, type Chapter, given, namespace, reads, type Step, workloadEntry } from "./step.ts";

const MODE = "istio.io/dataplane-mode";
const ROLE = "ecs.solo.io/role-arn";
const ambient = { [MODE]: "ambient" };
const other = { [MODE]: "none" };

/** Server-side applies, their conflicts and what they must not touch. */
export const appliesChapter: Chapter = {
  name: "server-side apply",
  steps: [
    applies("a new namespace", namespace("web", ambient)),
    again("the same namespace again", namespace("web", ambient)),
    applies("another manager's label", namespace("web", { team: "shop" }), { by: "flux" }),
    applies("the same value by another manager", namespace("web", ambient), { by: "flux" }),
    applies("another value of a label that two own", namespace("web", other)),
    applies("the other manager takes its labels away", namespace("web"), { by: "flux" }),
    applies("a label that another manager owns", namespace("web", other), { by: "flux" }),
    applies("the same with force", namespace("web", other), { by: "flux", force: true }),
    applies("the first manager wants it back", namespace("web", ambient)),
    applies("a label is no longer applied", namespace("web"), { by: "flux" }),
    applies("two labels of one other manager", namespace("web", { a: "1", b: "1" }), { by: "flux" }),
    applies("both have another value", namespace("web", { a: "2", b: "2" })),
    applies("a third manager's label", namespace("web", { c: "1" }), { by: "argo" }),
    applies("conflicts with two managers", namespace("web", { a: "2", b: "2", c: "2" })),
    given("Helm makes a namespace", (world) => world.put(namespace("made", { [MODE]: "none", keep: "me" }))),
    applies("a label that Helm wrote", namespace("made", ambient)),
    applies("the same value as Helm's", namespace("made", other)),
    applies("Helm's label with force", namespace("made", ambient), { force: true }),
    ...accounts(),
    ...refusals(),
  ],
};

function accounts(): readonly Step[] {
  return [
    applies("a new service account", account("web/web", { [ROLE]: "arn:aws:iam::111111111111:role/web" })),
    again("the same service account again", account("web/web", { [ROLE]: "arn:aws:iam::111111111111:role/web" })),
    applies("another role by the same manager", account("web/web", { [ROLE]: "arn:aws:iam::111111111111:role/other" })),
    applies("an annotation of another manager", account("web/web", { note: "kept" }), { by: "flux" }),
    applies("the first manager again", account("web/web", { [ROLE]: "arn:aws:iam::111111111111:role/web" })),
    applies("another manager's role", account("web/web", { [ROLE]: "arn:aws:iam::111111111111:role/x" }), {
      by: "flux",
    }),
    given("Helm makes a service account", (world) => world.put(account("web/helm", { [ROLE]: "", keep: "me" }))),
    applies("an empty annotation of Helm", account("web/helm", { [ROLE]: "arn:aws:iam::111111111111:role/web" })),
    applies("a workload entry", workloadEntry("web/entry", { app: "a" })),
    applies("a workload entry of another manager", workloadEntry("web/entry", { app: "b" }), { by: "flux" }),
    applies("its address by another manager", workloadEntry("web/entry", {}, { address: "10.0.0.2" }), { by: "flux" }),
  ];
}

function refusals(): readonly Step[] {
  return [
    applies("a namespace that is missing", account("nowhere/web")),
    applies("an entry in a missing namespace", workloadEntry("nowhere/web")),
    given("a namespace with an account", async (world) => {
      await world.put(namespace("dying"));
      await world.put(account("dying/old"));
    }),
    given("it is deleted", (world) => world.terminate("dying")),
    applies("a new account in a terminating namespace", account("dying/web")),
    applies("a new entry in a terminating namespace", workloadEntry("dying/web")),
    applies("an old account in a terminating namespace", account("dying/old", { note: "late" })),
    applies("no field manager", namespace("web"), { by: "" }),
    applies("a field manager of 129 characters", namespace("web"), { by: "m".repeat(129) }),
    applies("another name in the body", namespace("web"), { at: "/api/v1/namespaces/other" }),
    applies("another namespace in the body", account("web/web"), { at: "/api/v1/namespaces/made/serviceaccounts/web" }),
    applies("another kind in the body", account("web/web"), { at: "/api/v1/namespaces/web" }),
    applies("managed fields in the body", namespace("web", {}, { managedFields: [{ manager: "me" }] })),
    applies("a number as a label", namespace("web", { a: 1 }), { by: "numbers" }),
    applies("null as a label", namespace("web", { a: null }), { by: "numbers" }),
    applies("a stale resource version", namespace("web", {}, { resourceVersion: "1" }), { by: "late" }),
    applies("a resource version of nothing", namespace("absent", {}, { resourceVersion: "1" }), { by: "late" }),
    fresh("the current resource version"),
    reads("a missing namespace", "/api/v1/namespaces/absent"),
    reads("a missing account", "/api/v1/namespaces/web/serviceaccounts/absent"),
    reads("a missing account in a missing namespace", "/api/v1/namespaces/absent/serviceaccounts/web"),
    reads("a missing entry", "/apis/networking.istio.io/v1/namespaces/web/workloadentries/absent"),
    reads("a resource that does not exist", "/apis/networking.istio.io/v1/namespaces/web/moons/absent"),
    reads("a group that does not exist", "/apis/moon.example.com/v1/namespaces/web/moons/absent"),
  ];
}

/** Applies the same again: whether that is a change is part of the outcome. */
function again(what: string, object: Parameters<typeof apply>[1]): Step {
  return {
    what,
    play: async (world) => {
      const before = await apply(world, object);
      const after = await apply(world, object);
      return `${answered(after)} ${versionOf(before) === versionOf(after) ? "unchanged" : "changed"}`;
    },
  };
}

function fresh(what: string): Step {
  return {
    what,
    play: async (world) => {
      const resourceVersion = versionOf(await world.send({ method: "GET", path: "/api/v1/namespaces/web" }));
      return answered(await apply(world, namespace("web", {}, { resourceVersion }), { by: "current" }));
    },
  };
}

function versionOf({ body }: ApiAnswer): string {
  const metadata = isJsonObject(body) && isJsonObject(body.metadata) ? body.metadata : {};
  return String(metadata.resourceVersion);
}
