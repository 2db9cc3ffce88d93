import type { Listed } from "../listed.ts";

/** Differences from event-ruler that are accepted. */
export const listed: readonly Listed[] = [];
