import type { Listed } from "../listed.ts";

/** Differences from botocore's models that are accepted. */
export const listed: readonly Listed[] = [];
