import { hash } from "node:crypto";
import {
  CreateSecretCommand,
  DeleteResourcePolicyCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type Filter,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { beforeEach, describe, expect, it } from "vitest";
import { SecretsManager } from "../../aws/secrets-manager/secrets-manager.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";

const ACCOUNT = "123456789012";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/ecs/ambient/web`;
const HOUR_MS = 3_600_000;
let clock: VirtualClock;
let clientFor: (account: string, region: string) => SecretsManagerClient;
let client: SecretsManagerClient;

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 8, 18));
  const simulator = new Simulator({ clock, throttling: false });
  simulator.add((context) => new SecretsManager(context));
  clientFor = (account, region) =>
    new SecretsManagerClient({
      region,
      endpoint: "http://simulator",
      credentials: { accessKeyId: account, secretAccessKey: "secret" },
      requestHandler: inProcessRequestHandler(simulator.handle),
      maxAttempts: 1,
    });
  client = clientFor(ACCOUNT, "us-east-1");
});

/** A version id that follows from the value: what Secrets Manager takes twice without a second version. */
const idOf = (value: string) => hash("sha256", value);

async function create(name = "mesh/web", value = "one"): Promise<string> {
  const { ARN = "" } = await client.send(
    new CreateSecretCommand({ Name: name, SecretString: value, ClientRequestToken: idOf(value) }),
  );
  return ARN;
}

function put(secretId: string, value: string, labels?: string[]) {
  return client.send(
    new PutSecretValueCommand({
      SecretId: secretId,
      SecretString: value,
      ClientRequestToken: idOf(value),
      VersionStages: labels,
    }),
  );
}

async function labels(secretId: string): Promise<Record<string, string[]>> {
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: secretId }));
  return Object.fromEntries(Object.entries(VersionIdsToStages).map(([id, own]) => [id, [...own].sort()]));
}

const named = (name: string) => expect.objectContaining({ name });

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
describe("A simulated secret, as AWS documents it", () => {
  it("has an ARN that ends with six characters of its own", async () => {
    const arn = await create();
    expect(arn).toMatch(/^arn:aws:secretsmanager:us-east-1:123456789012:secret:mesh\/web-[A-Za-z0-9]{6}$/);
    await client.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }));
    expect(await create()).not.toBe(arn);
  });

  it("is found by name, by ARN and by ARN without the suffix", async () => {
    const arn = await create();
    for (const SecretId of ["mesh/web", arn, arn.slice(0, -7)])
      expect((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe("one");
  });

  it("is of one account and region", async () => {
    const arn = await create();
    for (const other of [clientFor(ACCOUNT, "eu-west-1"), clientFor("999999999999", "us-east-1")])
      await expect(other.send(new DescribeSecretCommand({ SecretId: "mesh/web" }))).rejects.toThrow(
        named("ResourceNotFoundException"),
      );
    await expect(
      clientFor("999999999999", "us-east-1").send(new GetSecretValueCommand({ SecretId: arn })),
    ).rejects.toThrow(named("AccessDeniedException"));
  });

  it("is created once for a name, whose retry with the same token and value is answered again", async () => {
    const arn = await create();
    expect(await create()).toBe(arn);
    await expect(create("mesh/web", "two")).rejects.toThrow(named("ResourceExistsException"));
  });

  it.each([
    ["a token of 31 characters", { ClientRequestToken: "t".repeat(31) }],
    ["a token of 65 characters", { ClientRequestToken: "t".repeat(65) }],
    ["a value above 65,536 bytes", { SecretString: "é".repeat(32_769) }],
    ["a name with a space", { Name: "mesh web" }],
    ["two values", { SecretBinary: new Uint8Array([1]) }],
  ])("is refused with %s", async (_what, members) => {
    const input = { Name: "mesh/web", SecretString: "one", ...members };
    await expect(client.send(new CreateSecretCommand(input))).rejects.toThrow(named("InvalidParameterException"));
  });

  it("takes a value of 65,536 bytes", async () => {
    await create("big", "x".repeat(65_536));
    expect((await client.send(new GetSecretValueCommand({ SecretId: "big" }))).SecretString).toHaveLength(65_536);
  });

  it("never shows a value in an error", async () => {
    await create("mesh/web", "one");
    const failures = await Promise.allSettled([
      client.send(new CreateSecretCommand({ Name: "x y", SecretString: "super-secret" })),
      client.send(
        new PutSecretValueCommand({
          SecretId: "mesh/web",
          SecretString: "super-secret",
          ClientRequestToken: idOf("one"),
        }),
      ),
    ]);
    for (const failure of failures) {
      expect(failure.status).toBe("rejected");
      expect(JSON.stringify(failure, Object.getOwnPropertyNames(Object(failure)))).not.toContain("super-secret");
    }
  });

  it("is listed, with a filter and by pages", async () => {
    for (const name of ["mesh/a", "mesh/b", "other"]) await create(name, name);
    const filter = { Filters: [{ Key: "name" as const, Values: ["mesh/"] }] };
    const first = await client.send(new ListSecretsCommand({ ...filter, MaxResults: 1 }));
    const second = await client.send(new ListSecretsCommand({ ...filter, MaxResults: 1, NextToken: first.NextToken }));
    expect([...(first.SecretList ?? []), ...(second.SecretList ?? [])].map(({ Name }) => Name)).toEqual([
      "mesh/a",
      "mesh/b",
    ]);
    expect(second.NextToken).toBeUndefined();
    expect(first.SecretList?.[0]?.SecretVersionsToStages).toEqual({ [idOf("mesh/a")]: ["AWSCURRENT"] });
  });

  it.each<[string, Filter["Key"], string[], string[]]>([
    ["a name's beginning", "name", ["mesh/"], ["mesh/a", "mesh/b"]],
    ["a name in its case", "name", ["Mesh/"], []],
    ["not a word inside of a name", "name", ["a"], []],
    ["one of several", "name", ["mesh/a", "oth"], ["mesh/a", "other"]],
    ["all but a name", "name", ["!mesh/a"], ["mesh/b", "other"]],
    ["a description in any case", "description", ["TOKEN of"], ["mesh/a"]],
    ["a tag's key", "tag-key", ["team"], ["mesh/b"]],
    ["a tag's value", "tag-value", ["Pay"], ["mesh/b"]],
    ["a tag's value in its case", "tag-value", ["pay"], []],
    ["another region's replicas", "primary-region", ["eu"], []],
    ["none of another region's replicas", "primary-region", ["!eu"], ["mesh/a", "mesh/b", "other"]],
    ["the secrets of a service", "owning-service", ["rds"], []],
    ["words anywhere, in any case", "all", ["myToken PAYMENTS"], ["mesh/a", "mesh/b"]],
  ])("is found by %s", async (_what, Key, Values, names) => {
    await create("mesh/b");
    await create("other");
    await client.send(new CreateSecretCommand({ Name: "mesh/a", Description: "Token of a", SecretString: "v" }));
    await client.send(new TagResourceCommand({ SecretId: "mesh/b", Tags: [{ Key: "team", Value: "Payments" }] }));
    const { SecretList = [] } = await client.send(new ListSecretsCommand({ Filters: [{ Key, Values }] }));
    expect(SecretList.map(({ Name }) => Name).toSorted()).toEqual(names);
  });

  it("is refused with odd filters, page sizes and tokens", async () => {
    for (const name of ["a", "b"]) await create(name);
    const list = (input: object) => client.send(new ListSecretsCommand(input));
    await expect(list({ Filters: [{ Key: "owner", Values: ["a"] }] })).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("at 'filters.1.member.key' failed to satisfy constraint"),
    });
    for (const Filters of [[{ Values: ["a"] }], [{ Key: "name", Values: [] }], [{ Key: "name", Values: ["a*"] }]])
      await expect(list({ Filters })).rejects.toThrow(named("InvalidParameterException"));
    for (const MaxResults of [0, 101])
      await expect(list({ MaxResults })).rejects.toThrow(named("InvalidParameterException"));
    for (const NextToken of ["0", " 1", "1e0", "0x1", "-1", "1.0", "next"])
      await expect(list({ MaxResults: 1, NextToken })).rejects.toThrow(named("InvalidNextTokenException"));
    await client.send(new DeleteSecretCommand({ SecretId: "a" }));
    expect((await list({})).SecretList?.map(({ Name }) => Name)).toEqual(["b"]);
    const all = (await list({ IncludePlannedDeletion: true })).SecretList ?? [];
    expect(all.map(({ Name, DeletedDate }) => [Name, DeletedDate !== undefined])).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });

  it("has tags, 50 at most", async () => {
    await create();
    const tags = (count: number) => Array.from({ length: count }, (_, at) => ({ Key: `k${at}`, Value: "v" }));
    await client.send(new TagResourceCommand({ SecretId: "mesh/web", Tags: tags(50) }));
    await expect(
      client.send(new TagResourceCommand({ SecretId: "mesh/web", Tags: [{ Key: "more", Value: "v" }] })),
    ).rejects.toThrow(named("InvalidParameterException"));
    await client.send(new UntagResourceCommand({ SecretId: "mesh/web", TagKeys: tags(49).map(({ Key }) => Key) }));
    const { Tags } = await client.send(new DescribeSecretCommand({ SecretId: "mesh/web" }));
    expect(Tags).toEqual([{ Key: "k49", Value: "v" }]);
  });
});

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html */
describe("A version of simulated secrets, as AWS documents it", () => {
  it("has the request token as its id, and becomes AWSCURRENT while the one before becomes AWSPREVIOUS", async () => {
    const arn = await create();
    expect(await put(arn, "two")).toMatchObject({ VersionId: idOf("two"), VersionStages: ["AWSCURRENT"] });
    expect(await labels(arn)).toEqual({ [idOf("one")]: ["AWSPREVIOUS"], [idOf("two")]: ["AWSCURRENT"] });
    await put(arn, "three");
    expect(await labels(arn)).toEqual({ [idOf("two")]: ["AWSPREVIOUS"], [idOf("three")]: ["AWSCURRENT"] });
  });

  it("is written once for a token and value", async () => {
    const arn = await create();
    await put(arn, "two");
    await put(arn, "one");
    expect((await client.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString).toBe("two");
    await expect(
      client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: "x", ClientRequestToken: idOf("one") })),
    ).rejects.toThrow(named("ResourceExistsException"));
  });

  it("gets the labels that are named, each of which is on one version only", async () => {
    const arn = await create();
    await put(arn, "two", ["mine"]);
    expect(await labels(arn)).toEqual({ [idOf("one")]: ["AWSCURRENT"], [idOf("two")]: ["mine"] });
    await put(arn, "three", ["mine", "AWSCURRENT"]);
    expect(await labels(arn)).toEqual({ [idOf("one")]: ["AWSPREVIOUS"], [idOf("three")]: ["AWSCURRENT", "mine"] });
  });

  it("is AWSCURRENT when it is the first, regardless of the labels in the request", async () => {
    await client.send(new CreateSecretCommand({ Name: "empty" }));
    await expect(client.send(new GetSecretValueCommand({ SecretId: "empty" }))).rejects.toThrow(
      named("ResourceNotFoundException"),
    );
    await put("empty", "one", ["mine"]);
    expect(await labels("empty")).toEqual({ [idOf("one")]: ["AWSCURRENT", "mine"] });
  });

  it("is read by its id or its label, and both must fit", async () => {
    const arn = await create();
    await put(arn, "two");
    const read = (input: { VersionId?: string; VersionStage?: string }) =>
      client.send(new GetSecretValueCommand({ SecretId: arn, ...input }));
    expect((await read({ VersionId: idOf("one") })).SecretString).toBe("one");
    expect((await read({ VersionStage: "AWSPREVIOUS" })).SecretString).toBe("one");
    await expect(read({ VersionId: idOf("gone") })).rejects.toThrow(named("ResourceNotFoundException"));
    await expect(read({ VersionStage: "gone" })).rejects.toThrow(named("ResourceNotFoundException"));
    await expect(read({ VersionId: idOf("one"), VersionStage: "AWSCURRENT" })).rejects.toThrow(
      named("InvalidRequestException"),
    );
  });

  it("is made by UpdateSecret too", async () => {
    const arn = await create();
    await client.send(
      new UpdateSecretCommand({
        SecretId: arn,
        Description: "d",
        SecretString: "two",
        ClientRequestToken: idOf("two"),
      }),
    );
    expect((await client.send(new DescribeSecretCommand({ SecretId: arn }))).Description).toBe("d");
    expect((await labels(arn))[idOf("two")]).toEqual(["AWSCURRENT"]);
  });

  it("shares 20 labels with all others of its secret", async () => {
    const arn = await create();
    // With AWSCURRENT there are 20 labels then.
    for (let at = 0; at < 19; at++) await put(arn, `v${at}`, [`label-${at}`]);
    await expect(put(arn, "more", ["label-more"])).rejects.toThrow(named("LimitExceededException"));
    await expect(put(arn, "moves current")).rejects.toThrow(named("LimitExceededException"));
    await put(arn, "moves a label", ["label-0"]);
    expect(await labels(arn)).toMatchObject({ [idOf("moves a label")]: ["label-0"] });
    expect((await labels(arn))[idOf("v0")]).toBeUndefined();
  });

  it("may go once it has no label, is a day old and there are a hundred", async () => {
    const arn = await create();
    for (let at = 0; at < 99; at++) await put(arn, `v${at}`, ["mine"]);
    await expect(put(arn, "too soon", ["mine"])).rejects.toThrow(named("LimitExceededException"));
    await clock.advance(24 * HOUR_MS);
    await put(arn, "later", ["mine"]);
    const { Versions = [] } = await client.send(
      new ListSecretVersionIdsCommand({ SecretId: arn, IncludeDeprecated: true }),
    );
    const ids = Versions.map(({ VersionId }) => VersionId);
    expect(ids).toHaveLength(100);
    expect(ids).not.toContain(idOf("v0"));
    expect(ids).toContain(idOf("one"));
    expect(ids).toContain(idOf("v1"));
  });

  it("is listed without a label only when that is asked for", async () => {
    const arn = await create();
    await put(arn, "two", ["mine"]);
    await put(arn, "three", ["mine"]);
    const listed = await client.send(new ListSecretVersionIdsCommand({ SecretId: arn }));
    expect(listed.Versions?.map(({ VersionId }) => VersionId)).toEqual([idOf("one"), idOf("three")]);
  });
});

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html */
describe("Simulated UpdateSecretVersionStage, as AWS documents it", () => {
  const relabel = (VersionStage: string, from?: string, to?: string) =>
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: "mesh/web",
        VersionStage,
        RemoveFromVersionId: from && idOf(from),
        MoveToVersionId: to && idOf(to),
      }),
    );

  beforeEach(async () => {
    await create();
    await put("mesh/web", "two", ["mine"]);
  });

  it("adds a label, moves it from where it is, and takes it away", async () => {
    await relabel("extra", undefined, "one");
    await relabel("mine", "two", "one");
    expect(await labels("mesh/web")).toEqual({ [idOf("one")]: ["AWSCURRENT", "extra", "mine"] });
    await relabel("mine", "one");
    expect(await labels("mesh/web")).toEqual({ [idOf("one")]: ["AWSCURRENT", "extra"] });
  });

  it("lets AWSPREVIOUS follow AWSCURRENT", async () => {
    await relabel("AWSCURRENT", "one", "two");
    expect(await labels("mesh/web")).toEqual({ [idOf("one")]: ["AWSPREVIOUS"], [idOf("two")]: ["AWSCURRENT", "mine"] });
  });

  it.each([
    ["a move that does not say from where", "mine", undefined, "one", "InvalidParameterException"],
    ["a move from where the label is not", "mine", "one", "two", "InvalidParameterException"],
    ["the removal of AWSCURRENT", "AWSCURRENT", "one", undefined, "InvalidParameterException"],
    ["neither from nor to", "mine", undefined, undefined, "InvalidParameterException"],
    ["a version that does not exist", "mine", "two", "gone", "ResourceNotFoundException"],
  ])("refuses %s", async (_what, label, from, to, error) => {
    const before = await labels("mesh/web");
    await expect(relabel(label, from, to)).rejects.toThrow(named(error));
    expect(await labels("mesh/web")).toEqual(before);
  });
});

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html */
describe("The deletion of a simulated secret, as AWS documents it", () => {
  it("is scheduled, keeps the value from being read and the name from being used, and can be undone", async () => {
    const arn = await create();
    await client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }));
    const { DeletedDate } = await client.send(new DescribeSecretCommand({ SecretId: arn }));
    expect(DeletedDate?.getTime()).toBe(clock.now() + 7 * 24 * HOUR_MS);
    await expect(client.send(new GetSecretValueCommand({ SecretId: arn }))).rejects.toThrow(
      named("InvalidRequestException"),
    );
    await expect(put(arn, "two")).rejects.toThrow(named("InvalidRequestException"));
    await expect(client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 30 }))).rejects.toThrow(
      /it was already scheduled for deletion/,
    );
    await expect(create()).rejects.toThrow(named("InvalidRequestException"));
    expect((await client.send(new ListSecretsCommand({}))).SecretList).toEqual([]);
    await client.send(new RestoreSecretCommand({ SecretId: arn }));
    expect((await client.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString).toBe("one");
  });

  it("is done when the window ends", async () => {
    const arn = await create();
    await client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }));
    await clock.advance(7 * 24 * HOUR_MS);
    await expect(client.send(new RestoreSecretCommand({ SecretId: arn }))).rejects.toThrow(
      named("ResourceNotFoundException"),
    );
    expect(await create()).not.toBe(arn);
  });

  it("is done at once by force, also while it is scheduled", async () => {
    const arn = await create();
    await client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }));
    await client.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }));
    await expect(client.send(new DescribeSecretCommand({ SecretId: arn }))).rejects.toThrow(
      named("ResourceNotFoundException"),
    );
  });

  it("takes 7 to 30 days", async () => {
    const arn = await create();
    for (const RecoveryWindowInDays of [6, 31])
      await expect(client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays }))).rejects.toThrow(
        named("InvalidParameterException"),
      );
  });
});

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html */
describe("A resource policy of simulated secrets, as AWS documents it", () => {
  const policy = (Principal: unknown, more = {}) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal, Action: "secretsmanager:GetSecretValue", Resource: "*", ...more }],
    });
  const statement = {
    Effect: "Allow",
    Principal: { AWS: ROLE },
    Action: "secretsmanager:GetSecretValue",
    Resource: "*",
  };
  const attach = (ResourcePolicy: string, BlockPublicPolicy = true) =>
    client.send(new PutResourcePolicyCommand({ SecretId: "mesh/web", ResourcePolicy, BlockPublicPolicy }));

  it("is kept as it was put, replaced and deleted", async () => {
    await create();
    const read = () => client.send(new GetResourcePolicyCommand({ SecretId: "mesh/web" }));
    expect((await read()).ResourcePolicy).toBeUndefined();
    await attach(policy({ AWS: ROLE }));
    await attach(policy({ AWS: [ROLE, `${ROLE}-2`] }));
    expect((await read()).ResourcePolicy).toBe(policy({ AWS: [ROLE, `${ROLE}-2`] }));
    await client.send(new DeleteResourcePolicyCommand({ SecretId: "mesh/web" }));
    expect((await read()).ResourcePolicy).toBeUndefined();
  });

  it.each([
    ["a Deny for all but some", { Effect: "Deny", NotPrincipal: { AWS: ROLE }, Action: "*", Resource: "*" }],
    ["all actions but one", { ...statement, Action: undefined, NotAction: "secretsmanager:DeleteSecret" }],
    ["an endpoint as condition", { ...statement, Condition: { StringEquals: { "aws:SourceVpce": "vpce-1" } } }],
    ["JSON's own true as condition", { ...statement, Condition: { Bool: { "aws:SecureTransport": true } } }],
    ["a service", { ...statement, Principal: { Service: "ecs-tasks.amazonaws.com" } }],
    ["another account", { ...statement, Principal: { AWS: "210987654321" } }],
  ])("keeps somebody's statement, word by word: %s", async (_what, own) => {
    await create();
    const text = JSON.stringify({ Version: "2012-10-17", Statement: [own] }, null, 1);
    await attach(text);
    const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId: "mesh/web" }));
    expect(ResourcePolicy).toBe(text);
  });

  it.each([
    ["the unique id of a role that is gone", { AWS: "AROAEXAMPLEEXAMPLEEX" }, /an unsupported principal\.$/],
    ["an ARN with a wildcard", { AWS: `${ROLE}*` }, /an unsupported principal\.$/],
    ["a service that does not exist", { Service: "invalidservice" }, /an invalid service principal\.$/],
    ["of an unknown kind", { CanonicalUser: "a" }, /a syntax error\./],
  ])("is refused with a principal: %s", async (_what, principal, message) => {
    await create();
    await expect(attach(policy(principal))).rejects.toMatchObject({
      name: "MalformedPolicyDocumentException",
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ["no JSON", "{"],
    ["no statement", '{"Version":"2012-10-17"}'],
    ["an unknown effect", policy({ AWS: ROLE }, { Effect: "Maybe" })],
    ["a principal that is not an ARN", policy({ AWS: "web" })],
    ["an unknown member", policy({ AWS: ROLE }, { Actions: "*" })],
    ["too many characters", policy({ AWS: ROLE }, { Resource: "x".repeat(20_480) })],
  ])("is refused with %s", async (_what, text) => {
    await create();
    await expect(attach(text)).rejects.toThrow(named("MalformedPolicyDocumentException"));
  });

  it("is refused when it lets everybody read, if that is to be blocked", async () => {
    await create();
    await expect(attach(policy("*"))).rejects.toThrow(named("PublicPolicyException"));
    await attach(policy("*"), false);
    const secure = { Condition: { Bool: { "aws:SecureTransport": "true" } } };
    await expect(attach(policy({ AWS: "*" }, secure))).rejects.toThrow(named("PublicPolicyException"));
    await attach(policy("*", { Condition: { StringEquals: { "aws:SourceAccount": "123456789012" } } }));
    await attach(policy("*", { Effect: "Deny", ...secure }));
  });
});
