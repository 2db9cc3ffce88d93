/** Values that AWS and Kubernetes have rules for: they are checked where they are written, before anything is made. */
import * as z from "zod";

/**
 * A path of parts, then a name of 64 characters.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const ROLE_PATH = "([\\w+=,.@-]+/)*[\\w+=,.@-]{1,64}";

export const roleNameSchema = z
  .string()
  .max(512)
  .regex(new RegExp(`^${ROLE_PATH}$`), "a role's name of at most 64 characters, with its path before it");

export const roleArnSchema = z
  .string()
  .max(600)
  .regex(new RegExp(`^arn:aws[\\w-]*:iam::\\d{12}:role/${ROLE_PATH}$`), "the ARN of an IAM role");

/** RFC 1035. */
export const domainSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/, "a DNS domain");

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
export const secretSchema = z
  .string()
  .regex(/^([\w/+=.@-]{1,512}|arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,519})$/, {
    message: "a secret's name or ARN",
  });

/**
 * The key of a tag: letters and digits of any language. Parameter Store's names have it encoded.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
 */
export const tagKeySchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^(?!aws:)[\p{L}\p{N}_.:/=+@-]+( +[\p{L}\p{N}_.:/=+@-]+)*$/iu, "a tag's key, which does not begin with aws:");

/** A namespace of Kubernetes, or the begin of one with `*` behind it. */
export const namespacePatternSchema = z
  .string()
  .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|([a-z0-9][a-z0-9-]{0,61})?\*)$/, {
    message: "a namespace, or the begin of one and * behind it",
  });

/** A text with something to read. */
export const visibleSchema = z.string().regex(/\S/, "a text that is not blank");

/** Minutes. What waits is read once a minute: fractions would promise what nobody keeps. */
export function minutes(min: number, max: number) {
  return z.int("whole minutes").min(min).max(max);
}
