import { dirname } from "node:path";
import type { Import } from "./cruise.ts";

/** Folders as rooms and imports between them as arrows. */
export interface Rooms {
  readonly rooms: readonly string[];
  readonly arrows: readonly Arrow[];
  /** Rooms that reach each other, each group sorted by name. */
  readonly cycles: readonly (readonly string[])[];
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly imports: readonly Import[];
}

/** The folder of a file. A file of the project's root is a room of its own: what lies there has nothing in common. */
export function roomOf(path: string): string {
  const folder = dirname(path);
  return folder === "." ? path : folder;
}

/** The rooms of these files, the arrows between them, and the cycles that the arrows form. */
export function roomsOf(files: readonly string[], imports: readonly Import[]): Rooms {
  const arrows = new Map<string, Arrow & { readonly imports: Import[] }>();
  for (const one of imports) {
    const [from, to] = [roomOf(one.from), roomOf(one.to)];
    if (from === to) continue;
    const key = `${from} ${to}`;
    const arrow = arrows.get(key) ?? { from, to, imports: [] };
    arrow.imports.push(one);
    arrows.set(key, arrow);
  }
  const rooms = [...new Set(files.map(roomOf))].sort();
  const sorted = [...arrows.values()].toSorted((a, b) => a.from.localeCompare(b.from) || a.to.localeCompare(b.to));
  return { rooms, arrows: sorted, cycles: cyclesOf(sorted) };
}

/** The strongly connected groups of two or more rooms, after Tarjan. */
function cyclesOf(arrows: readonly Arrow[]): readonly (readonly string[])[] {
  const next = Map.groupBy(arrows, ({ from }) => from);
  const index = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];

  const visit = (room: string): number => {
    const own = index.size;
    index.set(room, own);
    open.push(room);
    let low = own;
    for (const { to } of next.get(room) ?? []) {
      if (!index.has(to)) low = Math.min(low, visit(to));
      else if (open.includes(to)) low = Math.min(low, index.get(to) ?? low);
    }
    if (low === own) {
      const group = open.splice(open.indexOf(room));
      if (group.length > 1) found.push(group.sort());
    }
    return low;
  };

  for (const room of next.keys()) if (!index.has(room)) visit(room);
  return found.toSorted((a, b) => a.join().localeCompare(b.join()));
}
