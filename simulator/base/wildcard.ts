/** A part of a pattern: text as it stands, any characters, or one. */
export type WildcardPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "any" }
  | { readonly kind: "one" };

const ANY = Symbol("any");
const ONE = Symbol("one");

/**
 * Whether a whole text is what the parts say. Not by a regular expression: patterns come from requests, and one full of
 * `*` keeps a regular expression busy for hours. What fails here is tried again behind the last `*` alone.
 */
export function wildcard(parts: readonly WildcardPart[]): (text: string) => boolean {
  if (parts.every(({ kind }) => kind === "text")) {
    const whole = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    return (text) => text === whole;
  }
  const tokens = parts.flatMap((part): readonly (string | typeof ANY | typeof ONE)[] => {
    if (part.kind === "text") return part.text.split("");
    return [part.kind === "any" ? ANY : ONE];
  });
  return (text) => {
    let at = 0;
    let token = 0;
    let again: { readonly token: number; at: number } | undefined;
    while (at < text.length) {
      const wanted = tokens[token];
      if (wanted === ANY) {
        token += 1;
        again = { token, at };
      } else if (wanted === ONE || wanted === text[at]) {
        at += 1;
        token += 1;
      } else if (again) {
        again.at += 1;
        ({ token, at } = again);
      } else return false;
    }
    return tokens.slice(token).every((rest) => rest === ANY);
  };
}

/** The parts of a text in which `*` stands for any characters. */
export function starred(pattern: string): readonly WildcardPart[] {
  return pattern.split("*").flatMap((text, index): readonly WildcardPart[] => {
    const part = { kind: "text", text } as const;
    return index === 0 ? [part] : [{ kind: "any" }, part];
  });
}
