/** When a wall clock matches: a cron expression's five fields as the values that they name. */
export interface Cron {
  /** Minutes of the day at which it matches, rising. */
  readonly times: readonly number[];
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Day of the month and day of the week are both restricted: either one will do. */
  readonly eitherDay: boolean;
}

interface Field {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Names of the values from `first` on. */
  readonly names: readonly string[];
}

const MINUTE: Field = { name: "minute", first: 0, last: 59, names: [] };
const HOUR: Field = { name: "hour", first: 0, last: 23, names: [] };
const DAY: Field = { name: "day of the month", first: 1, last: 31, names: [] };
const MONTH: Field = {
  name: "month",
  first: 1,
  last: 12,
  names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/** 0 and 7 are Sunday. */
const WEEKDAY: Field = {
  name: "day of the week",
  first: 0,
  last: 7,
  names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};

const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * The expression's meaning, or the problems that it has. A field is `*`, a value, a range (`MON-FRI`), a range or `*`
 * with a step (`8-18/2`), or a list of them. Where neither day field begins with `*`, a day matches by either one:
 * crontab(5), https://man7.org/linux/man-pages/man5/crontab.5.html.
 */
export function parseCron(expression: string): { cron: Cron } | { problems: readonly string[] } {
  const texts = expression.split(" ");
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = texts;
  if (texts.length !== 5 || texts.includes("")) return { problems: ["five fields, as in `0 18 * * FRI`"] };
  const problems: string[] = [];
  const read = (field: Field, text: string) => valuesOf(field, text, problems);
  const minutes = read(MINUTE, minute);
  const hours = read(HOUR, hour);
  const cron: Cron = {
    times: [...hours].flatMap((h) => [...minutes].map((m) => h * 60 + m)).sort((a, b) => a - b),
    days: read(DAY, day),
    months: read(MONTH, month),
    weekdays: new Set([...read(WEEKDAY, weekday)].map((value) => value % 7)),
    eitherDay: !day.startsWith("*") && !weekday.startsWith("*"),
  };
  if (problems.length > 0) return { problems };
  return everMatches(cron) ? { cron } : { problems: ["there is no such date"] };
}

/** True if a date, its midnight given as UTC, is one of the expression's. */
export function matchesDate(cron: Cron, midnightMs: number): boolean {
  const date = new Date(midnightMs);
  const day = cron.days.has(date.getUTCDate());
  const weekday = cron.weekdays.has(date.getUTCDay());
  return cron.months.has(date.getUTCMonth() + 1) && (cron.eitherDay ? day || weekday : day && weekday);
}

function everMatches(cron: Cron): boolean {
  if (cron.eitherDay) return true;
  return [...cron.months].some((month) => [...cron.days].some((day) => day <= (LONGEST_MONTHS[month - 1] ?? 0)));
}

function valuesOf(field: Field, text: string, problems: string[]): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const range = rangeOf(field, part);
    if (!range) problems.push(`${field.name}: ${part === "" ? "an empty part" : part} is not understood`);
    else for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return values;
}

function rangeOf(field: Field, part: string): { from: number; to: number; step: number } | undefined {
  const [, low = "", high, stepText] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d{1,2}))?$/.exec(part) ?? [];
  const step = stepText === undefined ? 1 : Number(stepText);
  if (step === 0) return undefined;
  if (low === "*") return high === undefined ? { from: field.first, to: field.last, step } : undefined;
  const from = numberOf(field, low);
  if (from === undefined || (high === undefined && stepText !== undefined)) return undefined;
  const to = high === undefined ? from : endOf(field, numberOf(field, high));
  return to !== undefined && from <= to ? { from, to, step } : undefined;
}

/** A range that ends on a Sunday ends the week: `FRI-SUN`. */
function endOf(field: Field, value: number | undefined): number | undefined {
  return field === WEEKDAY && value === 0 ? 7 : value;
}

function numberOf(field: Field, text: string): number | undefined {
  const named = field.names.indexOf(text.toUpperCase());
  if (named >= 0) return field.first + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.first && value <= field.last ? value : undefined;
}
