/**
 * What Kubernetes takes as names, labels and annotations, in the words in which it refuses them: util/validation and
 * api/validate/content of https://github.com/kubernetes/apimachinery.
 */
const LABEL_PART = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL_PART}(\\.${LABEL_PART})*`;
const SERVICE_NAME = "[a-z]([-a-z0-9]*[a-z0-9])?";
const KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${KEY_NAME})?`;

const LONGEST_LABEL = 63;
const LONGEST_SUBDOMAIN = 253;

/** What is wrong with a text; none if nothing is. */
export type NameProblems = readonly string[];

/** As most objects are named: parts of lower-case letters, digits and `-`, separated by dots. */
export function subdomainProblems(name: string): NameProblems {
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...tooLong(name, LONGEST_SUBDOMAIN), ...unlike(name, SUBDOMAIN, rule, ["example.com"])];
}

/** As namespaces are named. */
export function labelPartProblems(name: string): NameProblems {
  const rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  const shape = unlike(name, LABEL_PART, rule, ["my-name", "123-abc"]);
  const hasDots = shape.length > 0 && isLike(name, SUBDOMAIN);
  return [...tooLong(name, LONGEST_LABEL), ...(hasDots ? ["must not contain dots"] : shape)];
}

/** As Services are named. */
export function serviceNameProblems(name: string): NameProblems {
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...tooLong(name, LONGEST_LABEL), ...unlike(name, SERVICE_NAME, rule, ["my-name", "abc-123"])];
}

/** A label's key: a name, and before it a domain and `/` if it is somebody's. */
export function labelKeyProblems(key: string): NameProblems {
  const rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ["MyName", "my.name", "123-abc"];
  const parts = key.split("/");
  if (parts.length > 2)
    return [
      `a valid label key ${inWords(rule, KEY_NAME, examples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const length = name === "" ? ["must be non-empty"] : tooLong(name, LONGEST_LABEL);
  return [
    ...(prefix === undefined ? [] : prefixProblems(prefix)).map((problem) => `prefix part ${problem}`),
    ...[...length, ...unlike(name, KEY_NAME, rule, examples)].map((problem) => `name part ${problem}`),
  ];
}

/** A label's value. */
export function labelValueProblems(value: string): NameProblems {
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...tooLong(value, LONGEST_LABEL), ...unlike(value, LABEL_VALUE, rule, ["MyValue", "my_value", "12345"])];
}

function prefixProblems(prefix: string): NameProblems {
  return prefix === "" ? ["must be non-empty"] : subdomainProblems(prefix);
}

function tooLong(text: string, most: number): NameProblems {
  return Buffer.byteLength(text) > most ? [`must be no more than ${most} bytes`] : [];
}

function unlike(text: string, pattern: string, rule: string, examples: readonly string[]): NameProblems {
  return isLike(text, pattern) ? [] : [inWords(rule, pattern, examples)];
}

function isLike(text: string, pattern: string): boolean {
  return new RegExp(`^${pattern}$`).test(text);
}

function inWords(rule: string, pattern: string, examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${rule} (e.g. ${shown}regex used for validation is '${pattern}')`;
}
