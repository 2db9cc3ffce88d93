import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hasRoomForVersion,
  isSecretName,
  labelOf,
  parseValueFrom,
  pinnedValueFrom,
  retirableVersions,
  secretName,
  secretTags,
} from "../../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import type { BootstrapToken } from "../../../../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { token, tokens } from "../../../../support/tokens.ts";

describe("secretName", () => {
  it.each<[string, Partial<BootstrapToken>]>([
    ["ztunnel-autopilot/net/shop/web", {}],
    ["ztunnel-autopilot/net/shop/web/ecs-ec2", { platform: "ecs-ec2" }],
    ["ztunnel-autopilot/net/shop/web/ecs-local", { remote: false }],
    ["ztunnel-autopilot/net/shop/web/ecs-ec2-local", { platform: "ecs-ec2", remote: false }],
    ["ztunnel-autopilot/net/shop/web-abcdef/identity", { serviceAccount: "web-abcdef" }],
    ["ztunnel-autopilot/net/shop/web--bcdef/identity", { serviceAccount: "web--bcdef" }],
  ])("is %s for %j", (name, change) => {
    expect(secretName({ ...token, ...change })).toBe(name);
  });

  it("is valid in Secrets Manager, and can be parsed from its ARN", () => {
    fc.assert(
      fc.property(tokens, fc.stringMatching(/^[A-Za-z0-9]{6}$/), (any, suffix) => {
        const name = secretName(any);
        expect(isSecretName(name)).toBe(true);
        const arn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-${suffix}`;
        expect(parseValueFrom(pinnedValueFrom(arn, "v"))).toEqual({
          region: "eu-west-1",
          account: "123456789012",
          secretName: name,
          secretArn: arn,
          jsonKey: undefined,
          stage: undefined,
          versionId: "v",
        });
      }),
    );
  });

  it("is different for different identities", () => {
    const scope = ({ network, namespace, serviceAccount, platform, remote }: BootstrapToken) =>
      JSON.stringify([network, namespace, serviceAccount, platform, remote]);
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        expect(secretName(a) === secretName(b)).toBe(scope(a) === scope(b));
      }),
    );
  });

  it("has its parts in the secret's tags, too", () => {
    expect(secretTags(token)).toContainEqual({ key: "ecs.solo.io/namespace", value: "shop" });
  });
});

describe("parseValueFrom", () => {
  it("reads stage and key, and a secret without them", () => {
    const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
    expect(parseValueFrom(`${arn}:password:AWSPREVIOUS:`)).toMatchObject({ jsonKey: "password", stage: "AWSPREVIOUS" });
    expect(parseValueFrom(arn)).toMatchObject({ secretName: "db", versionId: undefined });
  });

  it.each(["", "name", "arn:aws:ssm:us-east-1:123456789012:parameter/x", "arn:aws:secretsmanager:::secret:x"])(
    "is undefined for %j",
    (valueFrom) => expect(parseValueFrom(valueFrom)).toBeUndefined(),
  );
});

describe("secret versions", () => {
  const id = (letter: string): string => letter.repeat(64);
  const [a, b, c, d] = [id("a"), id("b"), id("c"), id("d")];

  it("are retired when unused, except AWSCURRENT and the newest, and foreign labels stay", () => {
    const versions = {
      [a]: [labelOf(a), "AWSPREVIOUS", "mine"],
      [b]: [labelOf(b)],
      [c]: [labelOf(c)],
      [d]: [labelOf(d), "AWSCURRENT"],
    };
    const plan = retirableVersions({ versions, inUse: new Set([b]), newestAlwaysKept: c });
    expect(plan).toEqual([{ versionId: a, label: labelOf(a) }]);
  });

  it("are never retired while in use", () => {
    const ids = fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{64}$/), { maxLength: 12 });
    fc.assert(
      fc.property(ids, fc.func(fc.boolean()), (all, used) => {
        const versions = Object.fromEntries(all.map((one) => [one, [labelOf(one)]]));
        const inUse = new Set(all.filter((one) => used(one)));
        const retired = retirableVersions({ versions, inUse, newestAlwaysKept: undefined });
        expect(retired.map(({ versionId }) => versionId).sort()).toEqual(all.filter((one) => !inUse.has(one)).sort());
      }),
    );
  });

  it("have no room for another one if it would exceed 20 labels", () => {
    const labels = (count: number) => ({ [a]: Array.from({ length: count }, (_, index) => `zt-${index}`) });
    expect(hasRoomForVersion({})).toBe(true);
    expect(hasRoomForVersion(labels(17))).toBe(true);
    expect(hasRoomForVersion(labels(18))).toBe(false);
  });
});
