import { sharedProblems } from "../../shared/model/reason-texts.ts";
import { sharedProblemNames } from "../../shared/model/reasons.ts";
import type { OrphanedService, SharedThings } from "../inventory/shared-things.ts";
import { printable, type Terminal } from "./style.ts";
import { minuteOf } from "./time.ts";

/** What nobody needs any more, and what is wrong with what services share. Nothing where there is nothing. */
export function sharedThingsText({ orphans, problems }: SharedThings, { style }: Terminal): readonly string[] {
  const { identities, secrets, services } = orphans;
  const left = [
    ...services.map(({ serviceArn, lacks }) => `${serviceArn}: in the mesh, ${lackWords[lacks]}`),
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

const lackWords: Readonly<Record<OrphanedService["lacks"], string>> = {
  account: "its account is not in the configuration",
  region: "its region is not in the configuration",
  "control-plane": "no control plane of the configuration serves it",
};

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `    ${printable(line)}`), ""];
}
