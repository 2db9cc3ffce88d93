import { describe, expect, it } from "vitest";
import { parseValueFrom } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { withDesiredSecret, withPinnedSecret } from "../../../../shared/use-cases/roll/secrets-in-use.ts";
import { web } from "../../../support/arns.ts";
import { PINNED_SECRET, TARGET_SECRET } from "../../../support/endings.ts";

const desired = { secretName: "ztunnel-autopilot/shop/web", versionId: "b".repeat(64) };

describe("the secret versions in use", () => {
  it("have a version before its secret exists, and then the same by its full ARN", () => {
    const before = withDesiredSecret([PINNED_SECRET], web, desired);
    expect(before).toHaveLength(2);
    expect(parseValueFrom(before.at(-1) ?? "")).toMatchObject({ ...desired, account: web.account, region: web.region });
    expect(withPinnedSecret(before, TARGET_SECRET)).toEqual([PINNED_SECRET, TARGET_SECRET]);
  });

  it("have a version once, the pinned one last", () => {
    const both = [TARGET_SECRET, PINNED_SECRET];
    expect(withDesiredSecret(both, web, desired)).toEqual(both);
    expect(withPinnedSecret(both, TARGET_SECRET)).toEqual([PINNED_SECRET, TARGET_SECRET]);
  });

  it("stay as they are when a revision pins none", () => {
    expect(withPinnedSecret([PINNED_SECRET], null)).toEqual([PINNED_SECRET]);
  });
});
