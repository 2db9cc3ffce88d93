/** Numbers with their nouns and verbs, for people: each text that has a count is made by these. */

/** `1 task`, `0 tasks`, `3 tasks`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** The word that goes with the count: `agreeing(1, "is", "are")` is `is`. */
export function agreeing(count: number, one: string, several: string): string {
  return count === 1 ? one : several;
}

/** How many of the desired tasks run: `1 of 3 tasks runs`, `0 of 1 task run`. */
export function tasksRun(running: number, desired: number): string {
  return `${running} of ${counted(desired, "task")} ${agreeing(running, "runs", "run")}`;
}
