/** A part of the project: which files it has and what these may import. */
export interface Layer {
  /** A regular expression of its files' paths. */
  readonly files: string;
  /** The names of the layers that its files may import besides their own. */
  readonly mayImport: readonly string[];
  /** A regular expression of other files, of no layer, that they may import. */
  readonly mayRead?: string;
  /** What to do about an import that is refused. */
  readonly advice: string;
}

/** The table itself: the type of its argument makes a name that no layer has an error. */
function table<Name extends string>(
  rows: Record<Name, Layer & { readonly mayImport: readonly NoInfer<Name>[] }>,
): Readonly<Record<Name, Layer>> {
  return rows;
}

const records = ["vocabulary", "base", "config", "model"] as const;
const foundations = [...records, "trust", "data-plane"] as const;
const interfaces = [...foundations, "deployment", "enrollment", "rollout", "ports"] as const;
const shared = [
  ...interfaces,
  ...(["events", "slack", "gateway-aws", "gateway-kubernetes", "gateway-ledger", "gateway-slack"] as const),
  ...(["observe", "reconcile", "roll", "rotation", "rollout-steps", "notify"] as const),
] as const;

const pure = "Decisions are pure: take what is read as an argument, and let a use case read it through a port.";
const oneUseCase =
  "Use cases know each other only as reconcile → observe and roll → observe, and no gateway. Move what both need into " +
  "the domain, and take a port as an argument.";
const gateway =
  "A gateway translates calls. It implements shared/ports/ and knows no use case: what decides belongs in a use case " +
  "or the domain.";

/** Every file of the project belongs to one layer, from the bottom to the top. */
export const layers = table({
  vocabulary: {
    files: "^shared/base/vocabulary\\.ts$",
    mayImport: [],
    advice: "The vocabulary holds names alone, since stacks/definitions/ imports it. Put other things beside it.",
  },
  base: {
    files: "^shared/base/(?!vocabulary\\.ts$)",
    mayImport: ["vocabulary"],
    advice: "shared/base/ is the bottom. Move what it needs down into it, or move the file that needs more up.",
  },
  config: {
    files: "^shared/config/",
    mayImport: ["vocabulary", "base"],
    advice:
      "The configuration is parsed before anything else runs. Move a type or a constant that it needs down into it.",
  },
  model: {
    files: "^shared/model/",
    mayImport: ["vocabulary", "base", "config"],
    advice: "Records are what the domain works on: they know none of its decisions. Move the type down into the model.",
  },
  trust: { files: "^shared/trust/", mayImport: records, advice: pure },
  "data-plane": {
    files: "^shared/data-plane/",
    mayImport: records,
    advice: "A data plane knows records alone. What chooses or drives it belongs to enrollment or a use case.",
  },
  deployment: { files: "^shared/deployment/", mayImport: foundations, advice: pure },
  enrollment: { files: "^shared/enrollment/", mayImport: foundations, advice: pure },
  rollout: { files: "^shared/rollout/", mayImport: foundations, advice: pure },
  ports: {
    files: "^shared/ports/",
    mayImport: interfaces,
    advice: "A port speaks of records, never of the event, the gateway or the use case behind it.",
  },
  events: {
    files: "^shared/events/",
    mayImport: interfaces,
    advice: "An event is made of records. What sends or handles it is above it: pass in what it should say.",
  },
  slack: {
    files: "^shared/slack/",
    mayImport: [...interfaces, "events"],
    advice: "Messages are made of events and records. Sending them is the gateway's part.",
  },
  "gateway-aws": { files: "^shared/gateways/aws/", mayImport: interfaces, advice: gateway },
  "gateway-kubernetes": {
    files: "^shared/gateways/kubernetes/",
    mayImport: [...interfaces, "gateway-aws"],
    advice: gateway,
  },
  "gateway-ledger": { files: "^shared/gateways/ledger/", mayImport: [...interfaces, "gateway-aws"], advice: gateway },
  "gateway-slack": { files: "^shared/gateways/slack/", mayImport: [...interfaces, "events", "slack"], advice: gateway },
  observe: { files: "^shared/use-cases/observe/", mayImport: [...interfaces, "events", "slack"], advice: oneUseCase },
  reconcile: {
    files: "^shared/use-cases/reconcile/",
    mayImport: [...interfaces, "events", "slack", "observe"],
    advice: oneUseCase,
  },
  roll: {
    files: "^shared/use-cases/roll/",
    mayImport: [...interfaces, "events", "slack", "observe"],
    advice: oneUseCase,
  },
  rotation: { files: "^shared/use-cases/rotation/", mayImport: [...interfaces, "events", "slack"], advice: oneUseCase },
  "rollout-steps": {
    files: "^shared/use-cases/rollout/",
    mayImport: [...interfaces, "events", "slack"],
    advice: oneUseCase,
  },
  notify: { files: "^shared/use-cases/notify/", mayImport: [...interfaces, "events", "slack"], advice: oneUseCase },
  settings: {
    files: "^autopilot\\.config\\.ts$",
    mayImport: ["config"],
    advice: "The settings are data that shared/config/ checks.",
  },
  functions: {
    files: "^functions/",
    mayImport: [...shared, "settings"],
    advice:
      "What is deployed does not know the lab, the simulator, the tests or the tools. Move shared code to shared/.",
  },
  cli: {
    files: "^cli/",
    mayImport: [...shared, "settings"],
    mayRead: "^package\\.json$",
    advice: "The command line does not know the functions, the lab or the tools. Move shared code to shared/.",
  },
  definitions: {
    files: "^stacks/definitions/",
    mayImport: ["vocabulary"],
    advice:
      "Definitions are plain data that the stacks, the lab and the tests share. They may import " +
      "shared/base/vocabulary.ts: put a name that they need there.",
  },
  stage: {
    files: "^stacks/deployment\\.ts$",
    mayImport: ["vocabulary", "base", "config", "definitions"],
    advice: "The stacks and the lab make the same deployment of a configuration: it is plain data.",
  },
  alarms: {
    files: "^stacks/observability/alarm-definitions\\.ts$",
    mayImport: ["vocabulary", "base", "definitions"],
    advice: "The stacks make the alarms, and the lab evaluates them: they are plain data.",
  },
  stacks: {
    files: "^stacks/(?!definitions/|deployment\\.ts$|observability/alarm-definitions\\.ts$)",
    mayImport: ["vocabulary", "base", "config", "settings", "definitions", "stage", "alarms"],
    advice:
      "Stacks deploy the functions by their path and never import them. What they need of shared/ is config and base.",
  },
  tools: {
    files: "^tools/",
    mayImport: ["vocabulary", "base", "config", "settings", "definitions", "stage", "stacks"],
    mayRead: "^package\\.json$",
    advice: "Tools read the settings and the stacks alone.",
  },
  simulator: {
    files: "^simulator/",
    mayImport: [],
    advice: "The simulator is AWS, Kubernetes and Slack: it imports nothing of the project. Give it a copy of its own.",
  },
  lab: {
    files: "^lab/",
    mayImport: [...shared, "settings", "functions", "definitions", "stage", "alarms", "simulator"],
    advice: "The lab runs the functions on the simulator. It knows neither stacks, command line, benches nor tools.",
  },
  bench: {
    files: "^bench/",
    mayImport: [...shared, "settings", "functions", "definitions", "simulator", "lab", "tools"],
    advice: "A bench measures the functions and the lab. What the lab needs as well belongs in lab/.",
  },
  app: {
    files: "^sst\\.config\\.ts$",
    mayImport: ["config", "settings", "definitions", "stacks"],
    advice: "sst.config.ts only composes the stacks.",
  },
});

/** Tests may import anything, those of the simulator only the simulator. Nothing else may import them. */
export const tests = "^(test/|simulator/test/|(simulator/)?vitest\\.config\\.ts$)";
