import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hasForeignDeny,
  isReader,
  isReaderOf,
  readersIn,
  secretPolicy,
  withReaders,
} from "../../../../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;
const read = "secretsmanager:GetSecretValue";
const deny = { Sid: "NoOtherNetwork", Effect: "Deny", Principal: "*", Action: "secretsmanager:*", Resource: "*" };
const audit = { Effect: "Allow", Principal: { AWS: role("audit") }, Action: read, Resource: "*" };
const document = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
const statements = (policy: string | undefined): unknown => JSON.parse(policy ?? "{}").Statement;

describe("the secret's policy", () => {
  it("allows exactly the given roles to read", () => {
    expect(JSON.parse(secretPolicy([role("b"), role("a"), role("b")]))).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "ExecutionRolesReadBootstrapToken",
          Effect: "Allow",
          Principal: { AWS: [role("a"), role("b")] },
          Action: read,
          Resource: "*",
        },
      ],
    });
  });

  it("gets another role, and loses one that is not wanted any more", () => {
    const both = secretPolicy([role("a"), role("b")]);
    expect(withReaders(secretPolicy([role("a")]), [role("a"), role("b")])).toEqual({ policy: both, changed: true });
    expect(withReaders(both, [role("b")])).toEqual({ policy: secretPolicy([role("b")]), changed: true });
  });

  it("is unchanged if it has the roles, in any order and even as a single string", () => {
    const policy = secretPolicy([role("a"), role("b")]);
    expect(withReaders(policy, [role("b"), role("a")])).toEqual({ policy, changed: false });
    const one = secretPolicy([role("a")]);
    const singleString = one.replace(`["${role("a")}"]`, `"${role("a")}"`);
    expect(singleString).not.toBe(one);
    expect(withReaders(singleString, [role("a")]).changed).toBe(false);
  });

  it("keeps the statements of others, and finds its own by its Sid", () => {
    const [own] = JSON.parse(secretPolicy([role("a")])).Statement;
    const mixed = document(deny, own, audit);
    expect(withReaders(mixed, [role("a")])).toEqual({ policy: mixed, changed: false });
    const { policy } = withReaders(mixed, [role("b")]);
    expect(statements(policy)).toEqual([deny, audit, JSON.parse(secretPolicy([role("b")])).Statement[0]]);
    expect(readersIn(policy)).toEqual([role("b")]);
  });

  it.each([
    ["another principal", { Principal: { AWS: [role("a")], Service: "ecs.amazonaws.com" } }],
    ["another action", { Action: "secretsmanager:*" }],
    ["a condition that lets nobody in", { Condition: { Bool: { "aws:SecureTransport": "false" } } }],
    ["another effect", { Effect: "Deny" }],
    ["fewer readers", { Principal: { AWS: [] } }],
    ["the id of a deleted role", { Principal: { AWS: [role("a"), "AROAEXAMPLE"] } }],
    ["nobody", { Principal: undefined }],
  ])("is mended where its own statement has %s", (_what, edit) => {
    const [own] = JSON.parse(secretPolicy([role("a")])).Statement;
    const edited = document(audit, { ...own, ...edit });
    const { policy, changed } = withReaders(edited, [role("a")]);
    expect(changed).toBe(true);
    expect(statements(policy)).toEqual([audit, own]);
  });

  it("has its own statement once", () => {
    const twice = document(
      ...JSON.parse(secretPolicy([role("a")])).Statement,
      ...JSON.parse(secretPolicy([role("b")])).Statement,
    );
    expect(withReaders(twice, [role("a")])).toEqual({ policy: secretPolicy([role("a")]), changed: true });
  });

  it.each([
    ["missing", undefined],
    ["not JSON", "{"],
    ["no policy", "[]"],
  ])("is written when it is %s", (_what, policy) => {
    expect(withReaders(policy, [role("b")])).toEqual({ policy: secretPolicy([role("b")]), changed: true });
  });

  it("without readers has no statement of its own, and ends where there is no other", () => {
    expect(withReaders(secretPolicy([role("a")]), [])).toEqual({ policy: undefined, changed: true });
    expect(withReaders(undefined, [])).toEqual({ policy: undefined, changed: false });
    expect(withReaders(document(audit), []).changed).toBe(false);
  });

  it("has the readers that it was given, regardless of what stands there", () => {
    const foreign = fc.array(fc.constantFrom(deny, audit), { maxLength: 3 });
    const readers = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/).map(role), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(foreign, readers, readers, (others, before, after) => {
        const own = JSON.parse(secretPolicy([before[0] ?? "", ...before])).Statement;
        const { policy } = withReaders(document(...others, ...own), after);
        expect(readersIn(policy)).toEqual(after.toSorted());
        expect(statements(policy)).toEqual(expect.arrayContaining(others));
        expect(withReaders(policy, after).changed).toBe(false);
      }),
    );
  });
});

describe("a reader", () => {
  it("is found by its role, regardless of the path", () => {
    expect(isReader(secretPolicy([role("a")]), role("path/a"))).toBe(true);
    expect(isReader(secretPolicy([role("a")]), role("b"))).toBe(false);
    expect(isReader(document(audit), role("audit"))).toBe(false);
  });

  it.each([
    [role("a"), true],
    [role("path/a"), true],
    ["arn:aws-cn:iam::123456789012:role/a", true],
    ["arn:aws:iam::123456789012:root", false],
    ["arn:aws:iam::123456789012:user/a", false],
    ["arn:aws:iam::999999999999:role/a", false],
    ["123456789012", false],
    ["*", false],
    ["AROAEXAMPLE", false],
    [`${role("a")}"`, false],
  ])("may be %s: %s", (principal, may) => {
    expect(isReaderOf("123456789012", principal)).toBe(may);
  });
});

describe("a foreign denial", () => {
  it("of reads is found, in any statement but the own one", () => {
    expect(hasForeignDeny(document(deny))).toBe(true);
    expect(hasForeignDeny(document({ ...deny, Action: [read] }))).toBe(true);
    expect(hasForeignDeny(document({ ...deny, Action: "secretsmanager:PutSecretValue" }))).toBe(false);
    expect(hasForeignDeny(document(audit))).toBe(false);
    expect(hasForeignDeny(undefined)).toBe(false);
  });
});
