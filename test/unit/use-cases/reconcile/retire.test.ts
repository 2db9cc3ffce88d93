import { describe, expect, it } from "vitest";
import { labelOf, pinnedValueFrom } from "../../../../shared/data-plane/ztunnel/index.ts";
import type { ServiceState } from "../../../../shared/model/service-state.ts";
import { retireSecretVersions } from "../../../../shared/use-cases/reconcile/retire.ts";
import { stateOf } from "../../../support/endings.ts";
import { FakeSecrets } from "../../../support/fakes/secrets.ts";

const versionIds = ["a", "b", "c"].map((letter) => letter.repeat(64));

/** A secret with three versions; the last one is AWSCURRENT. */
async function secretWithVersions() {
  const secrets = new FakeSecrets();
  const [first = ""] = versionIds;
  const name = "ztunnel-autopilot/net/shop/web";
  const { arn } = await secrets.createSecret({ name, description: "", value: "t", versionId: first, tags: {} });
  await secrets.moveLabel(arn, labelOf(first), first);
  for (const versionId of versionIds.slice(1)) {
    const labels = ["AWSCURRENT", labelOf(versionId)];
    await secrets.putSecretValue({ secretArn: arn, value: versionId, versionId, labels });
  }
  const retire = async (state: Partial<ServiceState>) => {
    await retireSecretVersions(secrets, [], [stateOf({ secretsInUse: [], ...state })]);
    const described = await secrets.describeSecret(arn);
    return versionIds.filter((id) => described?.versions[id]?.includes(labelOf(id))).map((id) => id[0]);
  };
  return { retire, pin: (letter: string) => pinnedValueFrom(arn, letter.repeat(64)) };
}

describe("a secret's versions", () => {
  it("are retired when no service needs them", async () => {
    const { retire } = await secretWithVersions();
    expect(await retire({})).toEqual(["c"]);
  });

  it("stay while a service may start from them", async () => {
    const { retire, pin } = await secretWithVersions();
    expect(await retire({ secretsInUse: [pin("b")] })).toEqual(["b", "c"]);
  });

  it("stay while the last good revision pins them, even if several rolls since have shown nothing", async () => {
    const { retire, pin } = await secretWithVersions();
    expect(await retire({ enrolled: true, secretsInUse: [pin("b")], lastGoodSecret: pin("a") })).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("stay while a failing first task would return to them", async () => {
    const { retire, pin } = await secretWithVersions();
    const unverified = { revisionArn: "web:9", pinnedRevisionArn: "web:7", pinnedSecret: pin("a") };
    expect(await retire({ enrolled: true, unverified })).toEqual(["a", "c"]);
  });
});
