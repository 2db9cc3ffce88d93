import { type Cruised, cruiseProject, trackedFiles } from "./cruise.ts";
import { layers, tests } from "./layers.ts";
import { roomsOf } from "./rooms.ts";
import { ownRules } from "./rules.ts";

/** One place that breaks a rule. */
export interface Finding {
  readonly rule: string;
  /** The file or import that breaks it, for a reader. */
  readonly where: string;
  /** What to do. */
  readonly advice: string;
}

export interface Checked extends Cruised {
  readonly findings: readonly Finding[];
}

/** Checks the project in this folder: what breaks a rule, sorted by rule and place. */
export async function check(root: string): Promise<Checked> {
  const cruised = await cruiseProject(root);
  const findings = [
    ...cruiserFindings(cruised),
    ...folderCycles(cruised),
    ...filesWithoutLayer(cruised),
    ...unseenFiles(cruised, trackedFiles(root)),
  ];
  const sorted = findings.toSorted((a, b) => a.rule.localeCompare(b.rule) || a.where.localeCompare(b.where));
  return { ...cruised, findings: sorted };
}

function cruiserFindings({ violations, advice }: Cruised): readonly Finding[] {
  const found = violations.map(({ rule, from, to, cycle }): Finding => {
    const circle = cycle?.map(({ name }) => name).sort();
    const where = circle?.join(" ⇄ ") ?? (from === to ? from : `${from} → ${to}`);
    return { rule: rule.name, where, advice: advice.get(rule.name) ?? "" };
  });
  // A cycle is reported once for each of its files.
  return [...new Map(found.map((finding) => [`${finding.rule} ${finding.where}`, finding])).values()];
}

function folderCycles({ files, imports }: Cruised): readonly Finding[] {
  const { arrows, cycles } = roomsOf(files, imports);
  return cycles.map((rooms) => {
    const within = arrows.filter(({ from, to }) => rooms.includes(from) && rooms.includes(to));
    const lines = within.flatMap(({ imports: [first, ...more] }) =>
      first === undefined
        ? []
        : [`    ${first.from} → ${first.to}${more.length > 0 ? ` and ${more.length} more` : ""}`],
    );
    const where = [rooms.join(" ⇄ "), ...lines].join("\n");
    return { rule: "folder-cycle", where, advice: ownRules["folder-cycle"] };
  });
}

function filesWithoutLayer({ files }: Cruised): readonly Finding[] {
  const known = [...Object.values(layers).map((layer) => layer.files), tests].map((pattern) => new RegExp(pattern));
  return files
    .filter((file) => !file.endsWith(".json") && !known.some((pattern) => pattern.test(file)))
    .map((file) => ({ rule: "no-layer", where: file, advice: ownRules["no-layer"] }));
}

function unseenFiles({ files }: Cruised, tracked: readonly string[]): readonly Finding[] {
  const seen = new Set(files);
  return tracked
    .filter((file) => !seen.has(file))
    .map((file) => ({ rule: "unseen", where: file, advice: ownRules.unseen }));
}
