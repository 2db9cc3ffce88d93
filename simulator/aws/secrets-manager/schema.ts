import * as z from "zod";
import { enums } from "../enums.ts";

/** The inputs of the operations, as the API reference limits them. */
const secretId = z.string().min(1).max(2048);
const requestToken = z.string().min(32).max(64);
const label = z.string().min(1).max(256);
const tags = z.array(z.object({ Key: z.string().min(1).max(128), Value: z.string().max(256) })).max(50);
const filterValue = z
  .string()
  .max(512)
  .regex(/^!?[a-zA-Z0-9 :_@/+=.!-]*$/, "letters, digits, blanks and :_@/+=.-!");
const paging = { MaxResults: z.int().min(1).max(100).default(100), NextToken: z.string().min(1).max(4096).optional() };
const value = {
  ClientRequestToken: requestToken.optional(),
  SecretString: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= 65_536, "no more than 65536 bytes")
    .optional(),
  SecretBinary: z
    .base64()
    .refine((text) => Buffer.from(text, "base64").length <= 65_536, "no more than 65536 bytes")
    .optional(),
};

export const schemas = {
  createSecret: z.object({
    Name: z
      .string()
      .min(1)
      .max(512)
      .regex(/^[\w/+=.@-]+$/, "letters, digits and /_+=.@-"),
    Description: z.string().max(2048).optional(),
    KmsKeyId: z.string().max(2048).optional(),
    Tags: tags.default([]),
    ...value,
  }),
  putSecretValue: z.object({ SecretId: secretId, VersionStages: z.array(label).min(1).max(20).optional(), ...value }),
  updateSecret: z.object({
    SecretId: secretId,
    Description: z.string().max(2048).optional(),
    KmsKeyId: z.string().max(2048).optional(),
    ...value,
  }),
  getSecretValue: z.object({
    SecretId: secretId,
    VersionId: requestToken.optional(),
    VersionStage: label.optional(),
  }),
  secret: z.object({ SecretId: secretId }),
  listSecrets: z.object({
    ...paging,
    IncludePlannedDeletion: z.boolean().default(false),
    Filters: z
      .array(
        z.object({
          Key: z.enum(enums.secretsmanager.FilterNameStringType),
          Values: z.array(filterValue).min(1).max(10),
        }),
      )
      .max(10)
      .default([]),
  }),
  listSecretVersionIds: z.object({ SecretId: secretId, IncludeDeprecated: z.boolean().default(false), ...paging }),
  updateSecretVersionStage: z.object({
    SecretId: secretId,
    VersionStage: label,
    RemoveFromVersionId: requestToken.optional(),
    MoveToVersionId: requestToken.optional(),
  }),
  deleteSecret: z
    .object({
      SecretId: secretId,
      RecoveryWindowInDays: z.int().min(7).max(30).optional(),
      ForceDeleteWithoutRecovery: z.boolean().default(false),
    })
    .refine(
      ({ RecoveryWindowInDays, ForceDeleteWithoutRecovery }) =>
        RecoveryWindowInDays === undefined || !ForceDeleteWithoutRecovery,
      "RecoveryWindowInDays and ForceDeleteWithoutRecovery exclude each other",
    ),
  putResourcePolicy: z.object({
    SecretId: secretId,
    ResourcePolicy: z.string().min(1),
    BlockPublicPolicy: z.boolean().default(false),
  }),
  tagResource: z.object({ SecretId: secretId, Tags: tags }),
  untagResource: z.object({ SecretId: secretId, TagKeys: z.array(z.string().min(1).max(128)) }),
};
