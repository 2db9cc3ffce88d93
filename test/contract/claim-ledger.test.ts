import { beforeAll, describe, expect, it } from "vitest";
import { newClaim, withHolder } from "../../shared/model/claim.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { ledgerStores, localDynamoDb, type Store } from "../support/ledger-stores.ts";

describe.each(ledgerStores(localDynamoDb()))("the ledger %s", (_name, open) => {
  let store: Store;
  let ledger: Ledgers;
  beforeAll(() => {
    store = open();
    ledger = store.ledger;
  });

  describe("a claim", () => {
    let claims = 0;
    const newSubject = (): string => {
      claims += 1;
      return `secret 123456789012 us-east-1 ztunnel-autopilot/mesh/shop/web-${claims}`;
    };

    it("is undefined before the first change, and has what the change makes of it", async () => {
      const subject = newSubject();
      expect(await ledger.getClaim(subject)).toBeUndefined();
      const seen: unknown[] = [];
      const { stored } = await ledger.changeClaim(subject, (claim) => {
        seen.push(claim);
        return { next: { ...newClaim(subject), holders: { "arn:aws:iam::1:role/web": { services: ["web"] } } } };
      });
      expect(seen).toEqual([undefined]);
      expect(stored).toEqual({
        ...newClaim(subject),
        version: 1,
        holders: { "arn:aws:iam::1:role/web": { services: ["web"] } },
      });
      expect(await ledger.getClaim(subject)).toEqual(stored);
    });

    it("keeps the holder that another change adds at the same time", async () => {
      const subject = newSubject();
      const roles = Array.from({ length: 6 }, (_, index) => `role-${index}`);
      await Promise.all(
        roles.map((role) =>
          ledger.changeClaim(subject, (claim) => ({ next: withHolder(claim ?? newClaim(subject), role, "web") })),
        ),
      );
      expect(Object.keys((await ledger.getClaim(subject))?.holders ?? {}).sort()).toEqual(roles);
    });

    it("stays as it is without a next one, and is listed", async () => {
      const subject = newSubject();
      await ledger.changeClaim(subject, () => ({ next: newClaim(subject) }));
      const { stored, result } = await ledger.changeClaim(subject, (claim) => ({ result: claim?.version }));
      expect([stored?.version, result]).toEqual([1, 1]);
      const listed = await Array.fromAsync(ledger.listClaims());
      expect(listed.filter((claim) => claim.subject === subject)).toEqual([stored]);
    });

    it("of another shape is named", async () => {
      const subject = newSubject();
      await store.putRaw({ pk: `CLAIM#${subject}`, sk: "STATE", shape: 9 });
      await expect(ledger.getClaim(subject)).rejects.toMatchObject({ code: "ledger-item-unreadable" });
    });
  });

  it("lists services, claims, meshes and the fleet together, and nothing else", async () => {
    const subject = "role main arn:aws:iam::1:role/with a space";
    const serviceArn = "arn:aws:ecs:us-east-1:123456789012:service/ecs-demo/listed";
    const service = await ledger.patchService(serviceArn, { enrolled: true });
    const { stored: claim } = await ledger.changeClaim(subject, () => ({ next: newClaim(subject) }));
    await ledger.putMeshFacts({
      controlPlane: "main",
      istiodUrl: "https://istiod.example.com:15012",
      rootCaPem: "PEM",
      network: "eks",
      readAt: "2026-11-21T03:00:00Z",
    });
    const { stored: fleet } = await ledger.changeFleet((before) => ({ next: { ...before } }));
    await store.putRaw({ pk: "PACE#1/us-east-1", sk: "STATE", tatMs: 1 });
    await store.putRaw({ pk: "SERVICE#odd", sk: "STATE", shape: 9 });
    const unreadable: string[] = [];
    const listed = await Array.fromAsync(ledger.listKnown(({ pk }) => unreadable.push(pk)));
    expect(listed).toContainEqual({ service });
    expect(listed).toContainEqual({ claim });
    expect(listed).toContainEqual({ mesh: await ledger.getMesh("main"), controlPlane: "main" });
    expect(listed).toContainEqual({ fleet });
    expect(listed.flatMap((item) => Object.keys(item)).filter((name) => name === "fleet")).toHaveLength(1);
    const claims = await Array.fromAsync(ledger.listClaims(() => undefined));
    expect(listed).toHaveLength(1 + claims.length + 1 + 1);
    expect(unreadable).toContain("SERVICE#odd");
    await expect(Array.fromAsync(ledger.listKnown())).rejects.toMatchObject({ code: "ledger-item-unreadable" });
  });
});
