/** Checks which part of the project imports which: `npm run layers`. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Checked, check } from "./check.ts";
import { roomsOf } from "./rooms.ts";

const help = `npm run layers -- [options]

Checks that every import is one that tools/layers/layers.ts allows, type imports included; that neither files nor folders
import each other in a circle; and that no file is left over. Ends with exit code 1 when something breaks a rule.

  --rooms [FOLDER]  print instead the folders below FOLDER (default shared) as rooms, the imports between
                    them as arrows, and the cycles that these form
  --root DIR        checks the project in DIR instead of this one
  --help            this text
`;

const { values, positionals } = parseArgs({
  options: {
    rooms: { type: "boolean", default: false },
    root: { type: "string", default: join(import.meta.dirname, "../..") },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

function printRooms({ files, imports }: Checked, folder: string): void {
  const inside = (path: string): boolean => path.startsWith(`${folder}/`);
  const { rooms, arrows, cycles } = roomsOf(
    files.filter(inside),
    imports.filter(({ from, to }) => inside(from) && inside(to)),
  );
  for (const room of rooms) {
    const targets = arrows.filter(({ from }) => from === room).map(({ to }) => to.slice(folder.length + 1));
    console.log(`${room.padEnd(46)} ${targets.length > 0 ? `→ ${targets.join(", ")}` : ""}`.trimEnd());
  }
  console.log(`\n${folder}: ${rooms.length} rooms, ${arrows.length} arrows, ${cycles.length} cycles`);
  for (const cycle of cycles) console.log(`  ${cycle.join(" ⇄ ")}`);
}

function printFindings({ files, imports, findings }: Checked): void {
  for (const [rule, found] of Map.groupBy(findings, (finding) => finding.rule)) {
    console.error(`${rule}: ${found[0]?.advice}`);
    for (const { where } of found) console.error(`  ${where}`);
    console.error("");
  }
  const result = findings.length === 0 ? "no rule broken" : `rules broken in places: ${findings.length}`;
  console.log(`${files.length} files, ${imports.length} imports between them: ${result}`);
}

if (values.help) {
  process.stdout.write(help);
} else {
  const checked = await check(values.root);
  if (values.rooms) {
    printRooms(checked, positionals[0] ?? "shared");
  } else {
    printFindings(checked);
    if (checked.findings.length > 0) process.exitCode = 1;
  }
}
