import { account, applies, type Chapter, namespace, type Step, workloadEntry } from "./step.ts";

const TASK = "a79e11098d0c43a6bf2e8a098cff42d1";
const LONG_HOST = "checkout-payments-service-production.checkout-cluster-production.ecs.example.com";
/** More than the annotations of an object may have together. */
const TOO_MUCH = 256 * 1024 + 1;

const namespaces = ["Bad_Name", "a.b", "-a", "a-", "a".repeat(63), "a".repeat(64), "1", "a b", "ä"];
const accounts = ["Bad_Name", "a.b", "a..b", ".a", "-a", "a".repeat(253), "a".repeat(254)];
const entries: Readonly<Record<string, string>> = {
  "a plain entry": `ecs-task-111111111111-us-east-1-prod-${TASK}`,
  "an entry of a cluster in upper case": `ecs-task-111111111111-us-east-1-Prod-${TASK}`,
  "an entry of a cluster with an underscore": `ecs-task-111111111111-us-east-1-prod_main-${TASK}`,
  "an entry of a cluster of 200 characters": `ecs-task-111111111111-us-east-1-${"c".repeat(200)}-${TASK}`,
};
const labelValues = ["s".repeat(63), "s".repeat(64), "web-", "_web", "a b", "", "MyStack-Service9571FDD8_x", LONG_HOST];
const labelKeys = [
  "a/b/c",
  "_x",
  "/x",
  "x/",
  "",
  "X".repeat(63),
  "X".repeat(64),
  "Example.com/x",
  `${"p".repeat(254)}/x`,
];

/** Names, labels and annotations that Kubernetes takes, and those that it doesn't. */
export const namesChapter: Chapter = {
  name: "names and labels",
  steps: [
    ...namespaces.map((name) => applies(`namespace ${shortened(name)}`, namespace(name))),
    ...accounts.map((name) => applies(`service account ${shortened(name)}`, account(`web/${name}`))),
    ...Object.entries(entries).map(([what, name]) => applies(what, workloadEntry(`web/${name}`))),
    ...labelValues.map((value) => applies(`label value ${shortened(value)}`, labeled({ x: value }))),
    ...labelKeys.map((key) => applies(`label key ${shortened(key)}`, labeled({ [key]: "x" }))),
    ...labelKeys.map((key) => applies(`annotation key ${shortened(key)}`, account("web/notes", { [key]: "x" }))),
    applies("an annotation that is too long", account("web/notes", { x: "x".repeat(TOO_MUCH) })),
    applies("two bad labels", labeled({ x: "web-", y: "a b" })),
    applies("a bad label on an entry", workloadEntry("web/bad", { "ecs.solo.io/hostname": LONG_HOST })),
    applies("a bad name and a bad label", workloadEntry("web/Bad", { x: "web-" })),
    ...specs(),
  ],
};

function specs(): readonly Step[] {
  return [
    applies("an entry without an address", workloadEntry("web/empty", {}, { serviceAccount: "web" })),
    applies("an entry with an unknown field", workloadEntry("web/odd", {}, { address: "10.0.0.1", moon: "full" })),
  ];
}

function labeled(labels: Readonly<Record<string, string>>) {
  return namespace("labeled", labels);
}

function shortened(name: string): string {
  return name.length > 40 ? `${name.slice(0, 3)}… of ${name.length} characters` : JSON.stringify(name);
}
