import { AwsError } from "../../base/aws-error.ts";

/** A parameter's version, as far as labels go. */
interface LabeledVersion {
  readonly version: number;
  readonly labels: readonly string[];
}

const MOST_LABELS = 10;
const LABEL = /^(?!aws|ssm|\d)[\w.-]{1,100}$/i;

/** True for what can be a label: no digit, `aws` or `ssm` at its beginning. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/**
 * The versions with labels on one of them, which they leave another version for.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
 * @throws AwsError ParameterVersionLabelLimitExceeded
 */
export function withLabels<T extends LabeledVersion>(
  versions: readonly T[],
  version: number,
  labels: readonly string[],
): readonly T[] {
  return versions.map((each) => {
    const others = each.labels.filter((label) => !labels.includes(label));
    if (each.version !== version) return { ...each, labels: others };
    if (others.length + new Set(labels).size > MOST_LABELS)
      throw new AwsError(
        "ParameterVersionLabelLimitExceeded",
        `A parameter version can have maximum ${MOST_LABELS} labels. Move one or more labels to another version and try again.`,
      );
    return { ...each, labels: [...new Set([...each.labels, ...labels])] };
  });
}

/** The versions without these labels on one of them. */
export function withoutLabels<T extends LabeledVersion>(
  versions: readonly T[],
  version: number,
  labels: readonly string[],
): readonly T[] {
  return versions.map((each) =>
    each.version === version ? { ...each, labels: each.labels.filter((label) => !labels.includes(label)) } : each,
  );
}

/**
 * The versions that are left when a new one comes: the oldest goes, unless it has a label.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
 * @throws AwsError ParameterMaxVersionLimitExceeded
 */
export function withNewest<T extends LabeledVersion & { readonly name: string }>(
  versions: readonly T[],
  newest: T,
  most: number,
): readonly T[] {
  const [oldest] = versions;
  if (versions.length < most || oldest === undefined) return [...versions, newest];
  if (oldest.labels.length > 0)
    throw new AwsError(
      "ParameterMaxVersionLimitExceeded",
      `You attempted to create a new version of ${newest.name} by calling the PutParameter API with the overwrite flag. ` +
        `Version ${oldest.version}, the oldest version, can't be deleted because it has a label associated with it. ` +
        "Move the label to another version of the parameter, and try again.",
    );
  return [...versions.slice(1), newest];
}
