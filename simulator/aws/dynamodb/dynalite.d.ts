/** The part of dynalite that is used: it ships no types. */
declare module "dynalite" {
  import type { Server } from "node:http";

  export default function dynalite(options?: {
    /** Directory of the database; in memory without. */
    readonly path?: string;
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }): Server;
}
