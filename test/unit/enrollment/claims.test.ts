import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryLedger } from "../../../lab/ledger/ledger-memory.ts";
import { claimedAccount, claimedRole, givenBack, reviewed } from "../../../shared/enrollment/claims.ts";
import { type Claim, newClaim, withHolder } from "../../../shared/model/claim.ts";

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;
const subject = "service-account main shop web";
const claimOf = (holders: Claim["holders"]): Claim => ({ ...newClaim(subject), holders });
const wanted = (roleArn: string, serviceArn: string) => ({ subject, roleArn, serviceArn });

describe("a service account", () => {
  it("is claimed by the first role, and kept by it", () => {
    const { next } = claimedAccount(undefined, wanted(role("a"), "one"));
    expect(next?.holders).toEqual({ [role("a")]: { services: ["one"] } });
    expect(claimedAccount(next, wanted(role("a"), "one"))).toEqual({ next: undefined });
    expect(claimedAccount(next, wanted(role("path/a"), "two")).next?.holders).toEqual({
      [role("a")]: { services: ["one", "two"] },
    });
    expect(claimedAccount(next, wanted(role("b"), "two"))).toEqual({ owner: role("a") });
  });

  it("goes to another role when no other service has it", () => {
    const left = claimOf({ [role("a")]: { services: [], unneededSinceMs: 7 } });
    expect(claimedAccount(left, wanted(role("b"), "two")).next?.holders).toEqual({
      [role("b")]: { services: ["two"] },
    });
    const own = claimOf({ [role("a")]: { services: ["one"] } });
    expect(claimedAccount(own, wanted(role("b"), "one")).next?.holders).toEqual({ [role("b")]: { services: ["one"] } });
  });

  it("is needed again once a service asks for it", () => {
    const left = claimOf({ [role("a")]: { services: [], unneededSinceMs: 7 } });
    expect(claimedAccount(left, wanted(role("a"), "one")).next?.holders).toEqual({
      [role("a")]: { services: ["one"] },
    });
  });

  it("has one role, in any order of the requests, and all but the owner's services are refused", () => {
    const asks = fc.array(fc.record({ name: fc.constantFrom("a", "b", "c"), service: fc.nat({ max: 5 }) }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(asks, (all) => {
        let claim: Claim | undefined;
        const got = new Map<string, string>();
        for (const { name, service } of all) {
          const serviceArn = `service-${service}-${name}`;
          const { next, owner } = claimedAccount(claim, wanted(role(name), serviceArn));
          claim = next ?? claim;
          if (owner === undefined) got.set(serviceArn, role(name));
        }
        expect(new Set(got.values()).size).toBe(1);
        expect(Object.keys(claim?.holders ?? {})).toEqual([...new Set(got.values())]);
      }),
    );
  });

  it("names some of its services alone, and is not written again for the others", () => {
    let claim = newClaim(subject);
    for (let index = 0; index < 50; index += 1) claim = withHolder(claim, role("a"), `service-${index}`) ?? claim;
    expect(claim.holders[role("a")]?.services).toHaveLength(20);
    expect(claimedAccount(claim, wanted(role("a"), "service-49"))).toEqual({ next: undefined });
  });

  it("is given back by the one who alone asked for it", () => {
    const claim = claimOf({ [role("a")]: { services: ["one"] } });
    expect(givenBack(claim, role("a"), "one")?.holders).toEqual({});
    expect(givenBack(claim, role("a"), "two")).toBeUndefined();
    expect(givenBack(claimOf({ [role("a")]: { services: ["one", "two"] } }), role("a"), "one")).toBeUndefined();
    expect(givenBack(undefined, role("a"), "one")).toBeUndefined();
  });

  it("goes to one of two roles that ask at once", async () => {
    const ledger = memoryLedger();
    const ask = async (name: string) =>
      (
        await ledger.changeClaim(subject, (claim) => {
          const { next, owner } = claimedAccount(claim, wanted(role(name), name));
          return { next, result: owner };
        })
      ).result;
    expect(await Promise.all([ask("a"), ask("b")])).toEqual([undefined, role("a")]);
  });
});

describe("a role", () => {
  const about = { subject: "role main x", account: "shop/web", serviceArn: "one", shared: false };

  it("has one service account, or several where that is allowed", () => {
    const { next } = claimedRole(undefined, about);
    expect(next?.holders).toEqual({ "shop/web": { services: ["one"] } });
    const other = { ...about, account: "shop/api", serviceArn: "two" };
    expect(claimedRole(next, other)).toEqual({ owner: "shop/web" });
    expect(Object.keys(claimedRole(next, { ...other, shared: true }).next?.holders ?? {})).toEqual([
      "shop/web",
      "shop/api",
    ]);
  });

  it("goes with its only service to another service account", () => {
    const { next } = claimedRole(undefined, about);
    expect(claimedRole(next, { ...about, account: "shop/api" }).owner).toBeUndefined();
  });

  it("is free where nobody needs the other service account any more", () => {
    const left = { ...newClaim("role main x"), holders: { "shop/web": { services: ["two"], unneededSinceMs: 7 } } };
    expect(claimedRole(left, { ...about, account: "shop/api" }).owner).toBeUndefined();
  });
});

describe("a sweep's review of a claim", () => {
  const nobody = new Map<string, Set<string>>();
  const at = { nowMs: 1000, graceMs: 0, knowsAll: true, planned: nobody };
  const planned = new Map([[role("a"), new Set(["one"])]]);

  it("marks a holder that nobody needs, and leaves one that a roll plans with as it is", () => {
    const claim = claimOf({ [role("a")]: { services: ["one"] } });
    expect(reviewed(claim, nobody, at).next?.holders).toEqual({ [role("a")]: { services: [], unneededSinceMs: 1000 } });
    expect(reviewed(claim, nobody, { ...at, planned })).toEqual({ next: undefined, ripe: [] });
  });

  it("gives back what was marked earlier, but nothing that a roll plans with", () => {
    const claim = claimOf({ [role("path/a")]: { services: [], unneededSinceMs: 500 } });
    expect(reviewed(claim, nobody, at).ripe).toEqual([role("path/a")]);
    expect(reviewed(claim, nobody, { ...at, planned })).toEqual({ next: undefined, ripe: [] });
  });
});
