import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import { AutopilotError, type FailureCode } from "../../base/errors.ts";
import type { Tags } from "../../model/service.ts";
import type { DescribedSecret, SecretsCalls } from "../../ports/ports.ts";
import type { PlacedClients } from "./aws-clients.ts";
import { call, isNamed } from "./errors.ts";

export interface SecretsGateway extends SecretsCalls {
  /** The current text of a secret: for Slack's credentials and kubeconfigs. Throws `rejected` if there is none. */
  getSecretValue(nameOrArn: string, rejected: FailureCode): Promise<string>;
}

const tagList = z
  .array(z.object({ Key: z.string(), Value: z.string().default("") }))
  .default([])
  .transform((tags): Tags => Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])));

const secretSchema = z.object({
  ARN: z.string(),
  Name: z.string(),
  DeletedDate: z.date().optional(),
  LastChangedDate: z.date().optional(),
  Tags: tagList,
  VersionIdsToStages: z.record(z.string(), z.array(z.string())).default({}),
});

const listedSchema = secretSchema
  .omit({ VersionIdsToStages: true })
  .extend({ SecretVersionsToStages: z.record(z.string(), z.array(z.string())).default({}) });

/**
 * Secrets Manager in one account and region. Values go in and, for the autopilot's own credentials, out; no error's
 * text holds one. What AWS refuses is `secret-unavailable`.
 */
export function secretsGateway(clients: PlacedClients): SecretsGateway {
  const client = clients(SecretsManagerClient);
  const refused = <T>(what: string, run: () => Promise<T>) => call(what, run, "secret-unavailable");

  async function describeSecret(nameOrArn: string): Promise<DescribedSecret | undefined> {
    return refused(`DescribeSecret ${nameOrArn}`, async () => {
      try {
        const secret = secretSchema.parse(await client.send(new DescribeSecretCommand({ SecretId: nameOrArn })));
        return describedSecret(secret, secret.VersionIdsToStages);
      } catch (error) {
        if (isNamed(error, "ResourceNotFoundException")) return undefined;
        throw error;
      }
    });
  }

  return {
    describeSecret,

    createSecret: async ({ name, description, value, versionId, tags }) =>
      refused(`CreateSecret ${name}`, async () => {
        try {
          const { ARN } = await client.send(
            new CreateSecretCommand({
              Name: name,
              Description: description,
              SecretString: value,
              ClientRequestToken: versionId,
              Tags: tagsOf(tags),
            }),
          );
          return { arn: z.string().parse(ARN), created: true };
        } catch (error) {
          // Another call has made it since: its version is written by the next step if it is another one.
          if (!isNamed(error, "ResourceExistsException")) throw error;
          const existing = await describeSecret(name);
          if (!existing || existing.scheduledForDeletion) throw error;
          return { arn: existing.arn, created: false };
        }
      }),

    putSecretValue: async ({ secretArn, value, versionId, labels }) =>
      refused(`PutSecretValue ${secretArn} ${versionId}`, async () => {
        const put = new PutSecretValueCommand({
          SecretId: secretArn,
          SecretString: value,
          ClientRequestToken: versionId,
          ...(labels.length > 0 && { VersionStages: [...labels] }),
        });
        try {
          return (await client.send(put)).VersionStages ?? [];
        } catch (error) {
          if (!isNamed(error, "ResourceExistsException")) throw error;
          throw new AutopilotError("secret-version-foreign", `${secretArn} ${versionId}`, { cause: error });
        }
      }),

    getResourcePolicy: async (secretArn) =>
      refused(`GetResourcePolicy ${secretArn}`, async () => {
        const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId: secretArn }));
        return ResourcePolicy;
      }),

    putResourcePolicy: async (secretArn, policy) => {
      await refused(`PutResourcePolicy ${secretArn}`, () =>
        client.send(
          new PutResourcePolicyCommand({ SecretId: secretArn, ResourcePolicy: policy, BlockPublicPolicy: true }),
        ),
      );
    },

    deleteResourcePolicy: async (secretArn) => {
      await refused(`DeleteResourcePolicy ${secretArn}`, () =>
        client.send(new DeleteResourcePolicyCommand({ SecretId: secretArn })),
      );
    },

    scheduleDeletion: async (secretArn, RecoveryWindowInDays) => {
      const found = await describeSecret(secretArn);
      if (!found || found.scheduledForDeletion) return;
      await refused(`DeleteSecret ${secretArn}`, () =>
        client.send(new DeleteSecretCommand({ SecretId: secretArn, RecoveryWindowInDays })),
      );
    },

    restoreSecret: async (secretArn) => {
      await refused(`RestoreSecret ${secretArn}`, () => client.send(new RestoreSecretCommand({ SecretId: secretArn })));
    },

    moveLabel: async (secretArn, label, toVersionId, fromVersionId) => {
      await refused(`UpdateSecretVersionStage ${secretArn} ${label}`, () =>
        client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretArn,
            VersionStage: label,
            MoveToVersionId: toVersionId,
            ...(fromVersionId && { RemoveFromVersionId: fromVersionId }),
          }),
        ),
      );
    },

    removeLabel: async (secretArn, label, fromVersionId) => {
      await refused(`UpdateSecretVersionStage ${secretArn} ${label}`, () =>
        client.send(
          new UpdateSecretVersionStageCommand({
            SecretId: secretArn,
            VersionStage: label,
            RemoveFromVersionId: fromVersionId,
          }),
        ),
      );
    },

    listSecrets: (namePrefix) => listSecrets(client, namePrefix),

    getSecretValue: (nameOrArn, rejected) => {
      const value = async () => {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: nameOrArn }));
        if (SecretString === undefined) throw new AutopilotError(rejected, `${nameOrArn} holds no text`);
        return SecretString;
      };
      return call(`GetSecretValue ${nameOrArn}`, value, rejected);
    },
  };
}

/** AWS's filter on names matches words in a name as well, not only its beginning. */
async function* listSecrets(client: SecretsManagerClient, namePrefix: string): AsyncIterable<DescribedSecret> {
  let token: string | undefined;
  do {
    const { SecretList = [], NextToken } = await call(`ListSecrets ${namePrefix}`, () =>
      client.send(
        new ListSecretsCommand({ Filters: [{ Key: "name", Values: [namePrefix] }], MaxResults: 100, NextToken: token }),
      ),
    );
    for (const item of SecretList) {
      const secret = await call(`ListSecrets ${namePrefix}`, async () => listedSchema.parse(item));
      if (secret.Name.startsWith(namePrefix)) yield describedSecret(secret, secret.SecretVersionsToStages);
    }
    token = NextToken;
  } while (token);
}

function describedSecret(
  { ARN, Name, DeletedDate, LastChangedDate, Tags: tags }: Omit<z.infer<typeof secretSchema>, "VersionIdsToStages">,
  versions: DescribedSecret["versions"],
): DescribedSecret {
  const changedMs = LastChangedDate?.getTime();
  return { arn: ARN, name: Name, versions, tags, scheduledForDeletion: DeletedDate !== undefined, changedMs };
}

function tagsOf(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
