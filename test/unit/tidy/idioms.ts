/** A banned phrase in a text. Lines count from 1. */
export interface IdiomFinding {
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

/**
 * Phrases that readers stumble over, each with what to write instead. docs/glossary.md has the word for each idea. A
 * phrase is the inside of a regular expression; a space in it also matches a line break in a comment or a paragraph.
 */
const idioms: readonly (readonly [phrase: string, instead: string])[] = [
  // Actors without a name.
  ["whoever|whomever", "name the caller, the person or the function"],
  ["those who", "name them"],
  // Telling and looking.
  ["told|told[A-Z]\\w*", "notified, reported, printed, requested"],
  ["tells|tells? of", "returns, reports, describes, prints"],
  ["noted", "recorded"],
  ["look(?:s|ed|ing)? after|sees? to (?:it|the)", "manages, handles, ensures"],
  ["look(?:s|ed|ing)? again|lookAgain", "reconciles again, checks again, polls"],
  ["look(?:s|ed|ing) (?:at|into|through)|looked up", "reconciles, checks, reads, searches"],
  ["(?:an?|the|own|every|each|one|another|next|other|first|last) looks?", "a reconcile, a check, a poll"],
  // Reverts and rollbacks.
  ["ways? (?:back|out)", "revert (a service), rollback (a rollout), unenrollment"],
  ["(?:go|goes|going|went|gone) back", "reverts, rolls back, returns"],
  ["(?:take|takes|taken|taking|took) (?:it |them |that |this |everything )?back", "reverts, rolls back, withdraws"],
  ["(?:give|gives|giving|gave|given) way", "yields, is superseded, delays"],
  ["(?:first|second|another) try", "an earlier attempt, another attempt"],
  ["put right", "corrected"],
  ["unwell|illness", "degraded"],
  // Vague amounts, times and conditions.
  ["so (?:often|many|long|few)(?! as)", "name the number or the time"],
  ["however often", "any number of times, again and again"],
  ["whatever", "any, even if, regardless of"],
  ["now and then|at times", "name the interval or the condition"],
  ["by the clock", "on a schedule"],
  ["for ever", "without end; say why it doesn't end"],
  ["up to then", "until then"],
  ["as ever", "as before, unchanged"],
  ["anew", "again"],
  ["all the same|in spite of", "nevertheless, despite, still"],
  ["but for", "except, unless"],
  ["no concern of", "ignore"],
  ["dear|dearer|dearest", "expensive"],
  // Sentences that name no thing, or no property of it.
  ["in order(?! to)", "sorted, valid, as expected"],
  ["as (?:it|they) should", "as expected, as desired, valid"],
  ["(?:come|comes|came|coming) out (?:as|the)", "succeeds, ends, is the same"],
  ["(?:hold|holds|held|holding)(?: [\\w']+){0,4} against", "compares with"],
  ["what (?:the|its|their|an?|each|every|this|that|it|somebody|nobody) (?:[\\w'-]+ ){0,3}ha[sd]", "name the thing"],
  ["what (?:comes|becomes|came|became) of|what \\w+ (?:makes?|made) of", "the result of"],
  ["(?:is|are) not there", "doesn't exist"],
  ["that (?:is|are) none", "invalid, missing"],
  [
    "(?<!there )(?:is|are|was|were) no (?!longer|more|less|other|such|earlier|later|older|newer|larger|smaller|higher|lower|faster|slower)\\w+",
    "is not a",
  ],
  ["allows? to", "allows …ing, lets"],
  // US spelling.
  ["behaviour\\w*|colou?r(?<=colour)|favour\\w*|honour\\w*|labelled|unlabelled", "the US spelling"],
  ["\\w*(?:[^w]organis|recognis|initialis|normalis|serialis|summaris)(?:e|es|ed|ing|ation)", "the US spelling"],
];

const anyIdiom = new RegExp(
  `(?<![\\w-])(?:${idioms.map(([phrase]) => `(${spaced(phrase)})`).join("|")})(?![\\w-])`,
  "gi",
);

/** White space, and the marks that begin the next line of a comment or a quote. */
function spaced(phrase: string): string {
  return phrase.replaceAll(" ", "\\s+(?:(?:\\*|\\/\\/|>)\\s+)?");
}

/** The banned phrases in a text. */
export function idiomsIn(text: string): readonly IdiomFinding[] {
  const findings: IdiomFinding[] = [];
  let line = 1;
  let counted = 0;
  for (const { index, 0: found, ...groups } of text.matchAll(anyIdiom)) {
    line += text.slice(counted, index).split("\n").length - 1;
    counted = index;
    const [, instead = ""] = idioms.find((_, at) => groups[at + 1] !== undefined) ?? [];
    findings.push({ line, found: found.replaceAll(/\s+(?:\*|\/\/|>)?\s*/g, " "), instead });
  }
  return findings;
}
