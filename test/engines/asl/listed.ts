import type { Listed } from "../listed.ts";

/** What the interpreters do otherwise. What they can't run at all is changed in the machines: definitions.ts. */
export const listed: readonly Listed[] = [
  {
    what: 'MiniStack, *: ztunnel-autopilot-roll-fleet enters Left with {"rolloutId":*}, the lab with {}',
    reason:
      "MiniStack leaves out the Output of a Choice that goes on to its Default (`_execute_choice` in stepfunctions.py " +
      "of 1.5.33); the states language applies it",
    notInQuick: true,
  },
];
