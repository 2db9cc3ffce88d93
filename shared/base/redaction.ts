/** Texts of errors may repeat what a request held: nothing of it may go on into logs, events and messages. */

const REDACTED = "[redacted]";

/** Shorter parts of a URL are words, not secrets. */
const SECRET_PART_LENGTH = 8;

/** Replaces these secrets in a text, in each form in which an answer may repeat them: encoded for a URL or in JSON. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))].filter((form) => form !== "");
  // A longer one may contain a shorter one, of which the rest would remain.
  forms.sort((one, other) => other.length - one.length);
  return (text) => forms.reduce((redacted, form) => redacted.replaceAll(form, REDACTED), text);
}

/** A text of anybody's as a part of a URL: half of a character, which no URL can hold, becomes U+FFFD. */
export function urlEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, urlEncoded(secret), json, json.replaceAll("/", "\\/")];
}

/** What is secret in a URL that is itself a credential: it all, its path, and the longer ones of its parts. */
export function secretsOfUrl(url: string): readonly string[] {
  const { pathname, search, searchParams } = new URL(url);
  const path = `${pathname}${search}`;
  const paths = [path, pathname].flatMap((one) => [one, one.replace(/^\//, "")]).filter((one) => /\w/.test(one));
  const parts = [...pathname.split("/"), ...searchParams.values()].filter((one) => one.length >= SECRET_PART_LENGTH);
  return [url, ...paths, ...parts];
}
