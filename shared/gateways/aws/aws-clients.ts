import { AssumeRoleCommand, STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import type {
  AwsCredentialIdentity,
  AwsCredentialIdentityProvider,
  RequestSigner,
  RetryStrategyV2,
} from "@smithy/types";
import * as z from "zod";
import { type Place, partitionOf } from "../../base/arn.ts";
import type { Config } from "../../config/config.ts";
import { call } from "./errors.ts";
import { DEFAULT_MAX_ATTEMPTS, type Pacing, pacedRetryStrategy } from "./retry.ts";

export interface AwsClientsOptions extends Pacing {
  readonly config: Pick<Config, "name" | "homeRegion" | "homeAccount" | "memberRoleName">;
  /** Sends the signed requests; the SDK's own by default. */
  readonly requestHandler?: NonNullable<STSClientConfig["requestHandler"]>;
  /** What signs the requests to a region with these credentials; the SDK's own by default. */
  readonly signer?: (credentials: Credentials, region: string) => RequestSigner;
  /** Called with every new client, before it sends anything. */
  readonly onClient?: (client: SdkClient, region: string, credentials: Credentials | undefined) => void;
  readonly endpoint?: string;
  /** The home account's; the function's own role by default. */
  readonly credentials?: Credentials;
  /** Who calls, by a name, where several share the clients: each assumes roles for itself. Default: one. */
  readonly caller?: () => string;
  /** Epoch milliseconds: when assumed credentials end is judged by it. */
  readonly now?: () => number;
}

type Credentials = AwsCredentialIdentity | AwsCredentialIdentityProvider;

/** What every client is made with. */
interface ClientSettings {
  readonly region: string;
  readonly maxAttempts: number;
  readonly retryStrategy: RetryStrategyV2;
  readonly requestHandler: NonNullable<STSClientConfig["requestHandler"]>;
  readonly endpoint?: string;
  readonly credentials?: Credentials;
  readonly signer?: RequestSigner;
}

/** What every client of the SDK is. */
export interface SdkClient {
  readonly middlewareStack: { remove(name: string): boolean };
}

/**
 * The clients of one account and region by their class, each made when first asked for and reused. A gateway names the
 * class that it needs, so that a function bundles no other one.
 */
export type PlacedClients = <Client extends SdkClient>(ClientClass: new (settings: ClientSettings) => Client) => Client;

/** One client per service, account and region. */
export interface AwsClients {
  at(place: Place): PlacedClients;
  /** Those in the home account and region. */
  readonly home: PlacedClients;
  /** The credentials that calls to an account are signed with. */
  credentialsFor(account: string): AwsCredentialIdentityProvider;
}

/** With the SDK's own timeouts a function waits for a dead connection until it times out itself. */
const TIMEOUTS = { connectionTimeout: 3_000, socketTimeout: 20_000 };
const REFRESH_BEFORE_END_MS = 5 * 60_000;
/** It copies every input and answer for a log that has no reader. */
const LOGGER_MIDDLEWARE = "loggerMiddleware";

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
  const { config, now = Date.now, caller = () => "" } = options;
  const home: Place = { account: config.homeAccount, region: config.homeRegion };
  const common = {
    maxAttempts: options.maxAttempts?.throttled ?? DEFAULT_MAX_ATTEMPTS.throttled,
    retryStrategy: pacedRetryStrategy(options),
    requestHandler: options.requestHandler ?? TIMEOUTS,
    ...(options.endpoint && { endpoint: options.endpoint }),
  };
  const placed = (region: string, credentials?: Credentials) => {
    const signer = credentials && options.signer?.(credentials, region);
    const settings = { ...common, region, ...(credentials && { credentials }), ...(signer && { signer }) };
    return byClass(settings, (client) => {
      client.middlewareStack.remove(LOGGER_MIDDLEWARE);
      options.onClient?.(client, region, credentials);
    });
  };
  const atHome = placed(home.region, options.credentials);
  const assumed = keyed((account: string) => {
    const byCaller = keyed(() => renewed(() => assumeRole(atHome(STSClient), config, account), now));
    return Object.assign(() => byCaller(caller())(), { memoized: true });
  });
  const inAccount = keyed((account) => keyed((region) => placed(region, assumed(account))));
  const inHomeAccount = keyed((region) => (region === home.region ? atHome : placed(region, options.credentials)));
  return {
    home: atHome,
    at: ({ account, region }) => (account === home.account ? inHomeAccount(region) : inAccount(account)(region)),
    credentialsFor: (account) => (account === home.account ? atHome(STSClient).config.credentials : assumed(account)),
  };
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

/**
 * Credentials that are kept until shortly before they end; callers at the same time share one renewal. `memoized` makes
 * the SDK ask each time instead of keeping a copy of its own by the machine's clock.
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

function byClass(settings: ClientSettings, onClient: (client: SdkClient) => void): PlacedClients {
  const made = new Map<unknown, unknown>();
  return (ClientClass) => {
    const known = made.get(ClientClass);
    if (known instanceof ClientClass) return known;
    const client = new ClientClass(settings);
    onClient(client);
    made.set(ClientClass, client);
    return client;
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
