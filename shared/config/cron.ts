import { Cron } from "croner";

/** When a wall clock matches a cron expression. */
export interface CronTimes {
  /** The last minute at `wallMs` or before that matches. Wall-clock times, written as if they were UTC. */
  readonly lastMatch: (wallMs: number) => number | undefined;
}

const fields = ["minute", "hour", "day of the month", "month", "day of the week"];

/**
 * What of croner's syntax is allowed: croner also reads seconds, years, nicknames, `L`, `W`, `#` and `+`, which
 * crontab(5) does not have, and `?`, for which it asks the clock.
 */
const PART = /^(\*|\d{1,2}|[a-z]{3})(-(\d{1,2}|[a-z]{3}))?(\/\d{1,2})?$/i;

/**
 * The expression's times, or the problems that it has. A field is `*`, a value, a range (`MON-FRI`), a range or `*`
 * with a step (`8-18/2`), or a list of them. Where neither day field begins with `*`, a day matches by either one:
 * crontab(5), https://man7.org/linux/man-pages/man5/crontab.5.html.
 */
export function parseCron(expression: string): { times: CronTimes } | { problems: readonly string[] } {
  const texts = expression.split(" ");
  if (texts.length !== fields.length || texts.includes("")) return { problems: ["five fields, as in `0 18 * * FRI`"] };
  const problems = texts.flatMap((text, index) =>
    text
      .split(",")
      .filter((part) => !PART.test(part) || !isUnderstood(part, index))
      .map((part) => `${fields[index]}: ${part === "" ? "an empty part" : part} is not understood`),
  );
  if (problems.length > 0) return { problems };
  const [, , day = "", , weekday = ""] = texts;
  const cron = cronOf(expression, day.startsWith("*") || weekday.startsWith("*"));
  if (!cron.nextRun(new Date(0))) return { problems: ["there is no such date"] };
  // croner's runs lie before the given time, never at it.
  return { times: { lastMatch: (wallMs) => cron.previousRuns(1, new Date(wallMs + 1))[0]?.getTime() } };
}

/** True if croner takes the part as one of that field. Its own messages name no field and count months from 0. */
function isUnderstood(part: string, index: number): boolean {
  try {
    return cronOf(fields.map((_, at) => (at === index ? part : "*")).join(" "), true) !== undefined;
  } catch {
    return false;
  }
}

/** Read only: without a function, croner starts no timer. With the offset as a number it needs no time zone's data. */
function cronOf(expression: string, bothDays: boolean): Cron {
  return new Cron(expression, { mode: "5-part", utcOffset: 0, domAndDow: bothDays });
}
