import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../shared/rollout/canaries.ts";
import { type CutWaves, cutWaves, type WavePolicy } from "../../../shared/rollout/waves.ts";

const A = "111111111111";
const B = "222222222222";
const order = ["eu-west-1", "us-east-1"];

function services(region: string, account: string, count: number, canaries: readonly number[] = []): Candidate[] {
  return Array.from({ length: count }, (_, index) => ({
    serviceArn: `arn:aws:ecs:${region}:${account}:service/web/s${String(index).padStart(4, "0")}`,
    account,
    region,
    canary: canaries.includes(index),
  }));
}

const sizeOf = ({ first, last }: { first: number; last: number }) => last - first + 1;
const sizes = ({ waves }: CutWaves) =>
  waves.map(({ name, lanes }) => [name, lanes.reduce((sum, lane) => sum + sizeOf(lane), 0)]);

describe("waves", () => {
  const policy = { canaryCount: 3, waves: [10, 50, 100], regionsTogether: false };

  it("begin with a few of the first region, then take region by region in shares", () => {
    const cut = cutWaves([...services("us-east-1", A, 20), ...services("eu-west-1", A, 23)], policy, order);
    expect(sizes(cut)).toEqual([
      ["canary", 3],
      ["eu-west-1 10%", 2],
      ["eu-west-1 50%", 8],
      ["eu-west-1 100%", 10],
      ["us-east-1 10%", 2],
      ["us-east-1 50%", 8],
      ["us-east-1 100%", 10],
    ]);
    expect(cut.waves.map(({ canary }) => canary)).toEqual([true, false, false, false, false, false, false]);
    expect(cut.waves.every(({ state }) => state === "waiting")).toBe(true);
  });

  it("begin with services that run tasks: others can show nothing, even if they are tagged for it", () => {
    const idle = (from: readonly Candidate[]) => from.map((one) => ({ ...one, idle: true }));
    const mixed = services("eu-west-1", A, 6, [1]).map((one, index) => ({ ...one, idle: index < 3 }));
    const cut = cutWaves(mixed, policy, order);
    expect(cut.ordered.slice(0, 3)).toEqual(mixed.slice(3).map(({ serviceArn }) => serviceArn));
    const night = cutWaves([...idle(services("eu-west-1", A, 4)), ...services("us-east-1", A, 9)], policy, order);
    expect(sizes(night)[0]).toEqual(["canary", 3]);
    expect(night.ordered.slice(0, 3).every((arn) => arn.includes(":us-east-1:"))).toBe(true);
    const none = cutWaves(idle(services("eu-west-1", A, 4, [0])), policy, order);
    expect(none.waves.map(({ canary }) => canary)).not.toContain(true);
    expect(none.ordered).toHaveLength(4);
  });

  it("begin with the rollout's own choice, and with the services tagged for it, of every region, on top", () => {
    const cut = cutWaves(
      [...services("us-east-1", A, 10, [4]), ...services("eu-west-1", A, 10, [2, 7])],
      policy,
      order,
    );
    expect(cut.waves[0]).toEqual({
      name: "canary",
      canary: true,
      lanes: [
        { account: A, region: "eu-west-1", first: 0, last: 3 },
        { account: A, region: "us-east-1", first: 4, last: 4 },
      ],
      chosenOrdinals: [0, 1, 2],
      state: "waiting",
    });
    expect(cut.ordered.slice(0, 5).map((arn) => arn.slice(-5))).toEqual(["s0000", "s0001", "s0002", "s0007", "s0004"]);
  });

  it("end with the services that did not run well before, which are never canaries", () => {
    const all = services("eu-west-1", A, 12, [0]).map((one, index) =>
      index < 2 ? { ...one, unfit: "0 of 2 tasks run." } : one,
    );
    const cut = cutWaves(all, policy, order);
    expect(sizes(cut)).toEqual([
      ["canary", 3],
      ["eu-west-1 10%", 1],
      ["eu-west-1 50%", 3],
      ["eu-west-1 100%", 3],
      ["unfit", 2],
    ]);
    expect(cut.ordered.slice(-2).map((arn) => arn.slice(-5))).toEqual(["s0000", "s0001"]);
  });

  it("take every region's share at once where the policy takes the regions together", () => {
    const together = { ...policy, canaryCount: 0, regionsTogether: true };
    const cut = cutWaves([...services("us-east-1", A, 20), ...services("eu-west-1", B, 10)], together, order);
    expect(sizes(cut)).toEqual([
      ["all regions 10%", 3],
      ["all regions 50%", 12],
      ["all regions 100%", 15],
    ]);
    expect(cut.waves.map(({ lanes }) => lanes.map(({ region }) => region))).toEqual(Array(3).fill(order));
    expect(cut.waves.map(({ lanes }) => lanes.map(sizeOf))).toEqual([
      [1, 2],
      [4, 8],
      [5, 10],
    ]);
  });

  it("have no canary where the policy wants none", () => {
    expect(sizes(cutWaves(services("eu-west-1", A, 4), { ...policy, canaryCount: 0 }, order))).toEqual([
      ["eu-west-1 10%", 1],
      ["eu-west-1 50%", 1],
      ["eu-west-1 100%", 2],
    ]);
  });

  it("are the canary alone when the rollout is no larger than it", () => {
    const few = [...services("us-east-1", A, 1), ...services("eu-west-1", B, 2)];
    expect(sizes(cutWaves(few, policy, order))).toEqual([["canary", 3]]);
  });

  it("are named by the largest share that they complete", () => {
    const cut = cutWaves(services("eu-west-1", A, 2), { ...policy, canaryCount: 0 }, order);
    expect(sizes(cut)).toEqual([
      ["eu-west-1 50%", 1],
      ["eu-west-1 100%", 1],
    ]);
  });

  it("are none without services", () => {
    expect(cutWaves([], policy, order)).toEqual({ waves: [], ordered: [] });
  });

  it("take regions that the order does not name last, by name", () => {
    const all = ["us-west-2", "ap-south-1", "us-east-1", "eu-west-1"].flatMap((region) => services(region, A, 1));
    expect(sizes(cutWaves(all, { ...policy, canaryCount: 0, waves: [100] }, order)).map(([name]) => name)).toEqual([
      "eu-west-1 100%",
      "us-east-1 100%",
      "ap-south-1 100%",
      "us-west-2 100%",
    ]);
  });

  it("take of each account its share, every account in a lane of its own", () => {
    const all = [...services("eu-west-1", A, 80), ...services("eu-west-1", B, 20)];
    const cut = cutWaves(all, { ...policy, canaryCount: 0, waves: [50, 100] }, order);
    expect(cut.waves.map(({ lanes }) => lanes.map((lane) => [lane.account, sizeOf(lane)]))).toEqual([
      [
        [A, 40],
        [B, 10],
      ],
      [
        [A, 40],
        [B, 10],
      ],
    ]);
  });

  it("take of each region its share where all go together", () => {
    const all = [...services("us-east-1", A, 20), ...services("eu-west-1", A, 43), ...services("eu-west-1", B, 20)];
    const cut = cutWaves(all, { canaryCount: 3, waves: [50, 100], regionsTogether: true }, order);
    expect(sizes(cut)).toEqual([
      ["canary", 3],
      ["all regions 50%", 40],
      ["all regions 100%", 40],
    ]);
    expect(cut.waves[1]?.lanes.map((lane) => [lane.account, lane.region, sizeOf(lane)])).toEqual([
      [A, "eu-west-1", expect.closeTo(20, -1)],
      [B, "eu-west-1", expect.closeTo(10, -1)],
      [A, "us-east-1", 10],
    ]);
  });

  it("have no service too many where a percentage is not exact as a float", () => {
    const cut = cutWaves(services("eu-west-1", A, 375), { ...policy, canaryCount: 0, waves: [8.8, 100] }, order);
    expect(sizes(cut)[0]).toEqual(["eu-west-1 8.8%", 33]);
  });

  it("cut 10,000 services of 20 accounts and 4 regions", () => {
    const regions = ["eu-west-1", "us-east-1", "ap-south-1", "us-west-2"];
    const accounts = Array.from({ length: 20 }, (_, index) => String(100000000000 + index));
    const all = regions.flatMap((region) => accounts.flatMap((account) => services(region, account, 125)));
    const cut = cutWaves(all, policy, regions);
    expect(cut.ordered.length).toBe(10_000);
    expect(cut.waves.length).toBe(13);
  });
});

const regionNames = ["eu-west-1", "us-east-1", "ap-south-1", "sa-east-1"];
const fleet: fc.Arbitrary<Candidate[]> = fc
  .uniqueArray(
    fc.record({
      region: fc.constantFrom(...regionNames),
      account: fc.constantFrom(A, B, "333333333333"),
      name: fc.integer({ min: 0, max: 60 }),
      canary: fc.oneof({ weight: 20, arbitrary: fc.constant(false) }, fc.boolean()),
    }),
    { maxLength: 120, size: "max", selector: ({ region, account, name }) => `${region} ${account} ${name}` },
  )
  .map((all) =>
    all.map(({ region, account, name, canary }) => ({
      serviceArn: `arn:aws:ecs:${region}:${account}:service/web/s${name}`,
      account,
      region,
      canary,
    })),
  );
const policies = fc.record({
  canaryCount: fc.nat(5),
  regionsTogether: fc.boolean(),
  waves: fc
    .uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 5 })
    .map((tenths) => [...tenths.sort((a, b) => a - b).map((tenth) => tenth / 10), 100]),
});
const orders = fc.shuffledSubarray(regionNames);

describe("for any fleet, waves", () => {
  const law = (check: (all: Candidate[], policy: WavePolicy, regions: string[]) => void) =>
    fc.assert(fc.property(fleet, policies, orders, check));

  it("take every service exactly once, in contiguous lanes of one account and region", () => {
    law((all, policy, regions) => {
      const { waves, ordered } = cutWaves(all, policy, regions);
      expect([...ordered].sort()).toEqual(all.map(({ serviceArn }) => serviceArn).sort());
      let next = 0;
      for (const { lanes } of waves) {
        expect(lanes.length).toBeGreaterThan(0);
        expect(new Set(lanes.map(({ account, region }) => `${account} ${region}`)).size).toBe(lanes.length);
        for (const { account, region, first, last } of lanes) {
          expect(first).toBe(next);
          expect(last).toBeGreaterThanOrEqual(first);
          const members = ordered.slice(first, last + 1);
          expect(members.every((arn) => arn.startsWith(`arn:aws:ecs:${region}:${account}:`))).toBe(true);
          next = last + 1;
        }
      }
      expect(next).toBe(ordered.length);
    });
  });

  it("do not depend on the order of the services", () => {
    law((all, policy, regions) => {
      const shuffled = all.toReversed();
      expect(cutWaves([...shuffled, ...all.slice(0, 3)], policy, regions)).toEqual(cutWaves(all, policy, regions));
    });
  });

  it("follow the order of the regions, one region a wave, unless all go together", () => {
    law((all, given, regions) => {
      const policy = { ...given, regionsTogether: false };
      const after = cutWaves(all, policy, regions).waves.filter(({ canary }) => !canary);
      const taken = after.map(({ lanes }) => [...new Set(lanes.map(({ region }) => region))]);
      expect(taken.every(({ length }) => length === 1)).toBe(true);
      const expected = [...regions, ...regionNames.filter((region) => !regions.includes(region)).sort()];
      const ranks = taken.map(([region = ""]) => expected.indexOf(region));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    });
  });

  it("reach at every boundary the share that names them, rounded up", () => {
    law((all, policy, regions) => {
      const cut = cutWaves(all, policy, regions);
      const reached = new Map<string, number>();
      const left = new Map<string, number>();
      for (const { canary, lanes } of cut.waves) {
        for (const lane of canary ? [] : lanes) {
          const group = policy.regionsTogether ? "all regions" : lane.region;
          left.set(group, (left.get(group) ?? 0) + sizeOf(lane));
        }
      }
      for (const { canary, name, lanes } of cut.waves) {
        if (canary) continue;
        const [, region = "", percent = ""] = /^(.+) ([\d.]+)%$/.exec(name) ?? [];
        reached.set(region, (reached.get(region) ?? 0) + lanes.reduce((sum, lane) => sum + sizeOf(lane), 0));
        const tenths = Math.round(Number.parseFloat(percent) * 10);
        expect(reached.get(region)).toBe(Math.ceil(((left.get(region) ?? 0) * tenths) / 1000));
      }
      expect(reached).toEqual(left);
    });
  });

  it("begin with as many as are wanted, and with the tagged ones; the others never change that choice", () => {
    law((all, policy, regions) => {
      const { waves, ordered } = cutWaves(all, policy, regions);
      const [first] = waves.filter(({ canary }) => canary);
      const members = ordered.slice(0, (first?.lanes.at(-1)?.last ?? -1) + 1);
      const chosen = (first?.chosenOrdinals ?? []).map((ordinal) => ordered[ordinal]);
      expect(chosen).toHaveLength(Math.min(policy.canaryCount, all.length));
      const tagged = all.filter(({ canary }) => canary).map(({ serviceArn }) => serviceArn);
      expect([...members].sort()).toEqual([...new Set([...chosen, ...tagged])].sort());
      const untagged = all.map((one) => ({ ...one, canary: false }));
      const alone = cutWaves(untagged, policy, regions);
      const chosenAlone = (alone.waves[0]?.chosenOrdinals ?? []).map((ordinal) => alone.ordered[ordinal]);
      expect([...chosen].sort()).toEqual([...chosenAlone].sort());
    });
  });
});
