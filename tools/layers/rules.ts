import type { IForbiddenRuleType } from "dependency-cruiser";
import { type Layer, layers, tests } from "./layers.ts";

/** A rule of dependency-cruiser with all that a reader of its message needs. */
export type Rule = IForbiddenRuleType & { readonly name: string; readonly comment: string };

/** What only this tool finds; the rest is dependency-cruiser's. */
export const ownRules = {
  "folder-cycle":
    "Folders import each other in a circle. Move what the lower one needs down, or the file that needs the upper one up.",
  "no-layer": "The file belongs to no layer. Add its folder to tools/layers/layers.ts, or move it to where it belongs.",
  unseen: "Git knows the file, but the check has not read it. Mend the check before you trust it.",
} as const;

const CLIENTS = "(^|/)node_modules/(@aws-sdk|@smithy|@kubernetes|@slack)/";
const NPM = "(^|/)node_modules/";
const packages = (...names: string[]): string => `${NPM}(@types/)?(${names.join("|")})/`;
const UNDICI = packages("undici");

/** Files that are run and not imported. */
const ENTRY_POINTS = [
  "(^|/)main\\.ts$",
  "^tools/[^/]+\\.ts$",
  "^tools/crosscheck/fake-engine\\.ts$",
  "^(simulator/)?[^/]+\\.config\\.ts$",
  "\\.test\\.ts$",
  "\\.d\\.ts$",
];

/** All rules that dependency-cruiser checks. */
export function cruiseRules(): readonly Rule[] {
  const layerRules = Object.entries(layers).map(([name, layer]) => layerRule(name, layer));
  return [...layerRules, ...importRules, ...packageRules, ...moduleRules];
}

function layerRule(name: string, { files, mayImport, mayRead, advice }: Layer): Rule {
  const allowed = Object.entries(layers).filter(([other]) => other === name || mayImport.includes(other));
  return {
    name: `layer-${name}`,
    severity: "error",
    comment: advice,
    from: { path: files },
    to: {
      dependencyTypes: ["local", "localmodule", "aliased", "undetermined"],
      pathNot: [...allowed.map(([, layer]) => layer.files), ...(mayRead === undefined ? [] : [mayRead])],
    },
  };
}

const importRules: readonly Rule[] = [
  {
    name: "data-plane-door",
    severity: "error",
    comment: "A data plane has one door: import its index.ts, and export there what others need.",
    from: { pathNot: ["^shared/data-plane/", tests] },
    to: { path: "^shared/data-plane/", pathNot: "^shared/data-plane/[^/]+/index\\.ts$" },
  },
  {
    name: "simulator-door",
    severity: "error",
    comment:
      'The simulator has one door: import it as "@ztunnel-autopilot/simulator", and export there what others need.',
    from: { pathNot: "^simulator/" },
    to: { path: "^simulator/", dependencyTypesNot: ["aliased-workspace"] },
  },
  {
    name: "file-cycle",
    severity: "error",
    comment: "Files import each other in a circle. Move the type or the function that both need into the lower one.",
    from: {},
    to: { circular: true },
  },
  {
    name: "unresolved",
    severity: "error",
    comment: "Nothing is found under this name, so no rule can be checked. Install the package or correct the path.",
    from: {},
    to: { couldNotResolve: true, pathNot: "^\\.sst/platform/" },
  },
];

const packageRules: readonly Rule[] = [
  {
    name: "clients",
    severity: "error",
    comment:
      "Only shared/gateways/ imports a client of AWS, Kubernetes or Slack. Add a call to a port and its gateway.",
    from: { path: "^(shared|functions|cli)/", pathNot: "^shared/gateways/" },
    to: { path: CLIENTS },
  },
  {
    name: "io",
    severity: "error",
    comment: "Files, sockets, clocks and the environment come in as arguments: only gateways and functions touch them.",
    from: { path: ["^shared/(?!gateways/)", "^stacks/definitions/"] },
    to: { dependencyTypes: ["core"], pathNot: "^(crypto|util)$" },
  },
  {
    name: "packages-shared",
    severity: "error",
    comment: "Decisions and use cases import packages that compute and touch nothing. Put anything else behind a port.",
    from: { path: "^shared/(?!gateways/)", pathNot: layers.vocabulary.files },
    to: { path: NPM, pathNot: [CLIENTS, packages("zod", "croner", "fastest-levenshtein")] },
  },
  {
    name: "packages-gateways",
    severity: "error",
    comment: "A gateway needs its client and zod alone.",
    from: { path: "^shared/gateways/" },
    to: { path: NPM, pathNot: [CLIENTS, packages("zod"), UNDICI] },
  },
  {
    name: "packages-undici",
    severity: "error",
    comment: "The Kubernetes client sends by undici. Everything else has the runtime's own fetch, or its SDK.",
    from: { pathNot: "^shared/gateways/kubernetes/" },
    to: { path: UNDICI },
  },
  {
    name: "packages-functions",
    severity: "error",
    comment: "A function needs Powertools, Middy and zod. Everything more makes every cold start longer.",
    from: { path: "^functions/" },
    to: { path: NPM, pathNot: [CLIENTS, packages("zod", "@aws-lambda-powertools", "@middy", "aws-lambda")] },
  },
  {
    name: "packages-cli",
    severity: "error",
    comment: "The command line needs commander, string-width and zod. List another one here if it earns its place.",
    from: { path: "^cli/" },
    to: { path: NPM, pathNot: [CLIENTS, packages("zod", "commander", "string-width")] },
  },
  {
    name: "packages-definitions",
    severity: "error",
    comment: "Definitions and the vocabulary are plain data: they need no package.",
    from: { path: ["^stacks/definitions/", layers.vocabulary.files] },
    to: { path: NPM },
  },
];

const moduleRules: readonly Rule[] = [
  {
    name: "orphan",
    severity: "error",
    comment:
      "Nothing but tests imports the file. Delete it, move it to test/, or list it as an entry point in rules.ts.",
    module: { path: "\\.ts$", pathNot: [tests, ...ENTRY_POINTS], numberOfDependentsLessThan: 1 },
    from: { pathNot: tests },
  },
  {
    name: "test-orphan",
    severity: "error",
    comment: "No test imports the file. Delete it, or call it *.test.ts if it is one.",
    module: { path: tests, pathNot: [...ENTRY_POINTS, "\\.json$", "^test/released/"], numberOfDependentsLessThan: 1 },
    from: {},
  },
];
