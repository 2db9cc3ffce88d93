import { orphanReasons, sharedProblems } from "../../shared/model/reason-texts.ts";
import { sharedProblemNames } from "../../shared/model/reasons.ts";
import type { OrphanedService, SharedThings } from "../inventory/shared-things.ts";
import { printable, type Terminal } from "./style.ts";
import { minuteOf } from "./time.ts";

/** What nobody needs any more, and what is wrong with what services share. Nothing where there is nothing. */
export function sharedThingsText({ orphans, problems }: SharedThings, { style }: Terminal): readonly string[] {
  const { identities, secrets, services } = orphans;
  const left = [
    ...services.map(orphanWords),
    ...identities.map(({ controlPlane, namespace, serviceAccount, roleArn, since, unboundFrom }) => {
      const identity = `${controlPlane}  ${namespace}/${serviceAccount} of ${roleArn}`;
      return since === undefined || unboundFrom === undefined
        ? `${identity}: its control plane is not in the configuration`
        : `${identity}: no service since ${minuteOf(since)}, unbound from ${minuteOf(unboundFrom)}`;
    }),
    ...secrets.map(
      ({ account, region, name, deletedFrom }) =>
        `${account}  ${region}  ${name}: deleted from ${minuteOf(deletedFrom)}`,
    ),
  ];
  const wrong = problems.map(({ controlPlane, code, detail, since }) =>
    `${controlPlane}  ${code} since ${minuteOf(since)}: ${detail} ${fixOf(code)}`.trimEnd(),
  );
  return [
    ...section(style("Problems of what services share", "bold"), wrong),
    ...section(style("Orphans", "bold"), left),
  ];
}

/** A later version may have found a problem that this one has no words for. */
function fixOf(code: string): string {
  const known = sharedProblemNames.find((name) => name === code);
  return known === undefined ? "" : sharedProblems[known].fix;
}

function orphanWords({ serviceArn, why, controlPlane, since }: OrphanedService): string {
  const mesh = controlPlane === undefined ? "in a mesh" : `in the mesh of ${controlPlane}`;
  const when = since === undefined ? "" : `, since ${minuteOf(since)}`;
  return `${serviceArn}: orphaned, ${mesh}: ${orphanReasons[why]}${when}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `    ${printable(line)}`), ""];
}
