import { asText } from "../../bench/report.ts";
import type { Difference, EngineResult } from "./engine.ts";
import type { Outcome } from "./suite.ts";

const isOpen = ({ listed }: Difference): boolean => listed === undefined;

/** False for an outcome with which the command fails. */
export function isFine(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case "installed":
    case "skipped":
      return true;
    case "not-installed":
    case "failed":
      return false;
    case "compared":
      return !outcome.result.differences.some(isOpen);
  }
}

/** The outcome for people: the table, the figures, and every difference with its reason. */
export function outcomeText(outcome: Outcome): string {
  const { name, seconds } = outcome;
  const took = `${seconds.toFixed(1)} s`;
  switch (outcome.kind) {
    case "installed":
      return `${name}: installed (${took})`;
    case "skipped":
      return outcome.lacks.map((lack) => `!!! ${name}: SKIPPED, nothing was compared: ${lack}.`).join("\n");
    case "not-installed":
      return `${name}: NOT INSTALLED as it is pinned. Run: npm run engines -- --install --only ${name}`;
    case "failed":
      return `${name}: FAILED (${took})\n${outcome.why}`;
    case "compared":
      return comparison(name, took, outcome.result);
  }
}

function comparison(name: string, took: string, { table, differences, figures }: EngineResult): string {
  const open = differences.filter(isOpen);
  const listed = Map.groupBy(
    differences.filter((one) => !isOpen(one)),
    (one) => one.listed ?? "",
  );
  const totals = Object.entries(figures).map(([figure, value]) => `${figure}: ${value}`);
  const verdict = open.length === 0 ? "agrees" : `DIFFERS in ${open.length}`;
  return [
    asText({ title: `${name}: ${verdict} (${took})`, ...table, notes: totals }),
    ...[...listed].flatMap(([reason, ones]) => [`  listed: ${reason}`, ...ones.map(({ what }) => `    ${what}`)]),
    ...open.map(({ what }) => `  DIFFERENT: ${what}`),
  ].join("\n");
}

/** One line about all outcomes. */
export function summaryLine(outcomes: readonly Outcome[]): string {
  const names = (chosen: readonly Outcome[]) => `${chosen.length} (${chosen.map(({ name }) => name).join(", ")})`;
  const skipped = outcomes.filter(({ kind }) => kind === "skipped");
  const bad = outcomes.filter((outcome) => !isFine(outcome));
  const fine = outcomes.filter((outcome) => isFine(outcome) && outcome.kind !== "skipped");
  return [
    `${outcomes.length} engines: ${names(fine)} fine`,
    ...(skipped.length > 0 ? [`${names(skipped)} SKIPPED`] : []),
    ...(bad.length > 0 ? [`${names(bad)} NOT FINE`] : []),
  ].join(", ");
}
