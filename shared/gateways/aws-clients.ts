import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECSClient, type ECSClientConfig } from "@aws-sdk/client-ecs";
import { EKSClient } from "@aws-sdk/client-eks";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from "@smithy/types";
import * as z from "zod";
import type { Config } from "../config.ts";
import { call } from "./errors.ts";
import { DEFAULT_MAX_ATTEMPTS, type Pacing, pacedRetryStrategy } from "./retry.ts";

/** An account and region in which services run. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface AwsClientsOptions extends Pacing {
  readonly config: Pick<Config, "name" | "homeRegion" | "homeAccount" | "memberRoleName">;
  /** Sends the signed requests; the SDK's own by default. */
  readonly requestHandler?: NonNullable<ECSClientConfig["requestHandler"]>;
  readonly endpoint?: string;
  /** The home account's; the function's own role by default. */
  readonly credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider;
  /** Epoch milliseconds: when assumed credentials end is judged by it. */
  readonly now?: () => number;
}

/** One client per service, account and region, made when first asked for and reused. */
export interface AwsClients {
  ecs(place: Place): ECSClient;
  secrets(place: Place): SecretsManagerClient;
  /** In the home region, as are all below unless they take a place. */
  events(): EventBridgeClient;
  states(): SFNClient;
  sts(): STSClient;
  dynamo(): DynamoDBClient;
  eks(place: Place): EKSClient;
  /** The credentials that calls to an account are signed with. */
  credentialsFor(account: string): AwsCredentialIdentityProvider;
}

/** The SDK's own let a function wait for a dead connection until its end. */
const TIMEOUTS = { connectionTimeout: 3_000, socketTimeout: 20_000 };
const REFRESH_BEFORE_END_MS = 5 * 60_000;

const assumedSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  SessionToken: z.string().min(1),
  Expiration: z.date(),
});

/**
 * The clients of every account and region. Calls to another account than the home account are signed with credentials
 * of the member role there, assumed with the autopilot's name as external id, shared by the account's clients, and
 * renewed five minutes before they end.
 */
export function awsClients(options: AwsClientsOptions): AwsClients {
  const { config, now = Date.now } = options;
  const home: Place = { account: config.homeAccount, region: config.homeRegion };
  const retryStrategy = pacedRetryStrategy(options);
  const common = {
    maxAttempts: options.maxAttempts?.throttled ?? DEFAULT_MAX_ATTEMPTS.throttled,
    retryStrategy,
    requestHandler: options.requestHandler ?? TIMEOUTS,
    ...(options.endpoint && { endpoint: options.endpoint }),
  };
  const sts = once(() => new STSClient({ ...common, region: home.region, ...homeCredentials(options) }));
  const assumed = keyed((account: string) => renewed(() => assumeRole(sts(), config, account), now));
  const credentials = (account: string) =>
    account === home.account ? homeCredentials(options) : { credentials: assumed(account) };
  const at = ({ account, region }: Place) => ({ ...common, region, ...credentials(account) });

  const ecs = placed((place) => new ECSClient(at(place)));
  const secrets = placed((place) => new SecretsManagerClient(at(place)));
  const eks = placed((place) => new EKSClient(at(place)));
  return {
    ecs,
    secrets,
    eks,
    sts,
    events: once(() => new EventBridgeClient(at(home))),
    states: once(() => new SFNClient(at(home))),
    dynamo: once(() => new DynamoDBClient(at(home))),
    credentialsFor: (account) => (account === home.account ? sts().config.credentials : assumed(account)),
  };
}

function homeCredentials({ credentials }: AwsClientsOptions): Pick<AwsClientsOptions, "credentials"> {
  return credentials ? { credentials } : {};
}

async function assumeRole(
  sts: STSClient,
  config: AwsClientsOptions["config"],
  account: string,
): Promise<AwsCredentialIdentity & { readonly expiration: Date }> {
  const roleArn = `arn:${partitionOf(config.homeRegion)}:iam::${account}:role/${config.memberRoleName}`;
  return call(`AssumeRole ${roleArn}`, async () => {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: config.name, ExternalId: config.name }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = assumedSchema.parse(Credentials);
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  });
}

function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/**
 * Credentials that are kept until shortly before they end; callers at the same time share one renewal. `memoized` tells
 * the SDK to ask each time instead of keeping a copy of its own by the machine's clock.
 */
function renewed(
  assume: () => Promise<AwsCredentialIdentity & { readonly expiration: Date }>,
  now: () => number,
): AwsCredentialIdentityProvider {
  let current: ReturnType<typeof assume> | undefined;
  let endsAt = Number.POSITIVE_INFINITY;
  const provider = async () => {
    if (!current || endsAt - now() <= REFRESH_BEFORE_END_MS) {
      endsAt = Number.POSITIVE_INFINITY;
      current = assume();
    }
    const pending = current;
    try {
      const credentials = await pending;
      if (current === pending) endsAt = credentials.expiration.getTime();
      return credentials;
    } catch (error) {
      if (current === pending) current = undefined;
      throw error;
    }
  };
  return Object.assign(provider, { memoized: true });
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function keyed<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

function placed<T>(make: (place: Place) => T): (place: Place) => T {
  const inAccount = keyed((account) => keyed((region) => make({ account, region })));
  return ({ account, region }) => inAccount(account)(region);
}
