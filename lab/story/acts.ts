import type { Act } from "./act.ts";
import { rolloutActs } from "./rollout-acts.ts";
import { serviceActs } from "./service-acts.ts";

/** The story that `npm start` plays: single services first, then the whole fleet. */
export const acts: readonly Act[] = [...serviceActs, ...rolloutActs];
