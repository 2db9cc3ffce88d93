import { describe, expect, it } from "vitest";
import { secretPolicy } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import {
  labelOf,
  pinnedValueFrom,
  secretName,
  versionIdOf,
} from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { decodeToken, encodeToken } from "../../../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { ensureSecret, readerTagKey } from "../../../../shared/use-cases/roll/ensure-secret.ts";
import { Crash, crashing, withCalls } from "../../../support/altered-calls.ts";
import { secretArn as arnOf } from "../../../support/arns.ts";
import { FakeSecrets } from "../../../support/fakes/secrets.ts";
import { token } from "../../../support/tokens.ts";

const READER = "arn:aws:iam::123456789012:role/path/web-execution";
const OTHER = "arn:aws:iam::123456789012:role/other-execution";
const name = secretName(token);
const versionId = versionIdOf(token);
const newer = { ...token, url: "https://istiod-2.example.com:15012" };
const pinned = pinnedValueFrom(arnOf(name), versionId);

describe("a token without a secret", () => {
  it("gets one: the version's id is the token's hash, and it has a label of its own", async () => {
    const secrets = new FakeSecrets();
    expect(await ensureSecret(token, READER, secrets)).toBe(pinned);
    expect(secrets.labels(name)).toEqual({ [versionId]: ["AWSCURRENT", labelOf(versionId)] });
    expect(decodeToken(secrets.get(name).versions.get(versionId)?.value ?? "")).toEqual(token);
    expect(Object.fromEntries(secrets.get(name).tags)).toMatchObject({
      "ztunnel-autopilot/managed": "true",
      [readerTagKey(READER)]: "web-execution",
    });
  });

  it("may be read by exactly the execution role", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    expect(secrets.get(name).policy).toBe(secretPolicy([READER]));
  });

  it("keeps the reader that another roll gave the secret at the same time", async () => {
    const secrets = new FakeSecrets();
    // The other roll makes the secret after this one has found none.
    const slow = withCalls(secrets, {
      describeSecret: async (nameOrArn) => {
        const found = await secrets.describeSecret(nameOrArn);
        await ensureSecret(token, OTHER, secrets);
        return found;
      },
    });
    await ensureSecret(token, READER, slow);
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });
});

describe("a token that its secret has", () => {
  it("gets its label again where the version had lost it: an earlier root CA has come back", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await ensureSecret(newer, READER, secrets);
    secrets.get(name).versions.get(versionId)?.labels.clear();
    expect(await ensureSecret(token, READER, secrets)).toBe(pinned);
    expect(secrets.labels(name)[versionId]).toContain(labelOf(versionId));
  });

  it("costs one call", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    const counter = { calls: 1000, when: "before" as const };
    expect(await ensureSecret(token, READER, crashing(counter)(secrets))).toBe(pinned);
    expect(1000 - counter.calls).toBe(1);
  });

  it("is not written again: a version is made once", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await ensureSecret(newer, READER, secrets);
    await ensureSecret(token, READER, secrets);
    expect(secrets.get(name).versions.size).toBe(2);
    // The newest token stays the current one; the pinned version keeps its own label.
    expect(secrets.labels(name)[versionIdOf(newer)]).toContain("AWSCURRENT");
    expect(secrets.labels(name)[versionId]).toEqual(["AWSPREVIOUS", labelOf(versionId)]);
  });

  it("gets another reader beside the one that it has", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await ensureSecret(token, OTHER, secrets);
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("asks the policy itself when the secret has no room for another tag", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await secrets.tagSecret(name, Object.fromEntries(Array.from({ length: 45 }, (_, index) => [`team/${index}`, ""])));
    await ensureSecret(token, OTHER, secrets);
    await ensureSecret(token, OTHER, secrets);
    expect(secrets.get(name).tags.has(readerTagKey(OTHER))).toBe(false);
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("gets its label back, without another write", async () => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await secrets.removeLabel(name, labelOf(versionId), versionId);
    await ensureSecret(token, READER, secrets);
    expect(secrets.labels(name)).toEqual({ [versionId]: ["AWSCURRENT", labelOf(versionId)] });
  });
});

describe("a crash at any call", () => {
  it.each(["before", "after"] as const)("%s it leaves what the next run completes", async (when) => {
    const smooth = new FakeSecrets();
    await ensureSecret(token, READER, smooth);
    for (let calls = 1; ; calls += 1) {
      const secrets = new FakeSecrets();
      const crashed = await ensureSecret(token, READER, crashing({ calls, when })(secrets)).then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (!crashed) {
        expect(calls).toBeGreaterThan(5);
        return;
      }
      expect(await ensureSecret(token, READER, secrets)).toBe(pinned);
      expect(secrets.secrets).toEqual(smooth.secrets);
    }
  });
});

describe("a secret that can't be used", () => {
  it.each<[string, (secrets: FakeSecrets) => unknown, string]>([
    [
      "is scheduled for deletion",
      (secrets) => Object.assign(secrets.get(name), { deleted: true }),
      `${name} is scheduled for deletion.`,
    ],
    [
      "has twenty labels",
      (secrets) =>
        Promise.all(Array.from({ length: 18 }, (_, index) => secrets.moveLabel(name, `label-${index}`, versionId))),
      `${name} has 20 staging labels.`,
    ],
  ])("because it %s is an error by that name, without the token in it", async (_what, spoil, detail) => {
    const secrets = new FakeSecrets();
    await ensureSecret(token, READER, secrets);
    await spoil(secrets);
    const failure: unknown = await ensureSecret(newer, READER, secrets).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "secret-unavailable", detail });
    expect(String(failure)).not.toContain(encodeToken(newer).slice(0, 20));
    expect(secrets.get(name).versions.size).toBe(1);
  });
});
