import { describe, expect, it } from "vitest";
import { memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { serviceRef } from "../../../../shared/base/arn.ts";
import { secretPolicy } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-policy.ts";
import {
  labelOf,
  pinnedValueFrom,
  secretName,
  versionIdOf,
} from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { decodeToken, encodeToken } from "../../../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import type { Ledgers } from "../../../../shared/ports/ledger.ts";
import { ensureSecret } from "../../../../shared/use-cases/roll/ensure-secret.ts";
import { Crash, crashing, recordCalls, withCalls } from "../../../support/altered-calls.ts";
import { secretArn as arnOf } from "../../../support/arns.ts";
import { FakeSecrets } from "../../../support/fakes/secrets.ts";
import { token } from "../../../support/tokens.ts";

const READER = "arn:aws:iam::123456789012:role/path/web-execution";
const OTHER = "arn:aws:iam::123456789012:role/other-execution";
const ref = serviceRef("arn:aws:ecs:us-east-1:123456789012:service/shop/web");
const web = { ref, executionRoleArn: READER };
const other = { ref: serviceRef(`${ref.serviceArn}-2`), executionRoleArn: OTHER };
const name = secretName(token);
const versionId = versionIdOf(token);
const newer = { ...token, url: "https://istiod-2.example.com:15012" };
const pinned = pinnedValueFrom(arnOf(name), versionId);

interface World {
  readonly secrets: FakeSecrets;
  readonly ledger: Ledgers;
}

function world(): World {
  return { secrets: new FakeSecrets(), ledger: memoryLedger() };
}

/** Another account's user could write this, as the token follows from public facts. */
async function plant(secrets: FakeSecrets, value: string): Promise<void> {
  await secrets.createSecret({ name, description: "", value, versionId, tags: {} });
  await secrets.moveLabel(name, labelOf(versionId), versionId);
}

describe("a token without a secret", () => {
  it("gets one: the version's id is the token's hash, and it has a label of its own", async () => {
    const { secrets, ledger } = world();
    expect(await ensureSecret(token, web, { secrets, ledger })).toBe(pinned);
    expect(secrets.labels(name)).toEqual({ [versionId]: ["AWSCURRENT", labelOf(versionId)] });
    expect(decodeToken(secrets.get(name).versions.get(versionId)?.value ?? "")).toEqual(token);
    expect(Object.fromEntries(secrets.get(name).tags)).toMatchObject({ "ztunnel-autopilot/managed": "true" });
  });

  it("may be read by exactly the execution role", async () => {
    const calls = world();
    await ensureSecret(token, web, calls);
    expect(calls.secrets.get(name).policy).toBe(secretPolicy([READER]));
  });

  it("keeps the reader that another roll gave the secret at the same time", async () => {
    const { secrets, ledger } = world();
    // The other roll makes the secret after this one has found none.
    const slow = withCalls(secrets, {
      describeSecret: async (nameOrArn) => {
        const found = await secrets.describeSecret(nameOrArn);
        await ensureSecret(token, other, { secrets, ledger });
        return found;
      },
    });
    await ensureSecret(token, web, { secrets: slow, ledger });
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("gets it beside the other token that another roll made the secret with meanwhile", async () => {
    const { secrets, ledger } = world();
    const slow = withCalls(secrets, {
      createSecret: async (input) => {
        if (!secrets.secrets.has(name)) await ensureSecret(newer, other, { secrets, ledger });
        return secrets.createSecret(input);
      },
    });
    expect(await ensureSecret(token, web, { secrets: slow, ledger })).toBe(pinned);
    expect(decodeToken(secrets.get(name).versions.get(versionId)?.value ?? "")).toEqual(token);
  });

  it.each([
    "arn:aws:iam::123456789012:root",
    "arn:aws:iam::999999999999:role/web-execution",
    "arn:aws:iam::123456789012:user/mallory",
    "*",
  ])("is not made for the reader %s", async (executionRoleArn) => {
    const calls = world();
    const ensured = ensureSecret(token, { ref, executionRoleArn }, calls);
    await expect(ensured).rejects.toMatchObject({ code: "reader-refused", retryable: false });
    expect(calls.secrets.secrets.size).toBe(0);
  });
});

describe("a token that its secret has", () => {
  it("gets its label again where the version had lost it: an earlier root CA has come back", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await ensureSecret(newer, web, { secrets, ledger });
    secrets.get(name).versions.get(versionId)?.labels.clear();
    expect(await ensureSecret(token, web, { secrets, ledger })).toBe(pinned);
    expect(secrets.labels(name)[versionId]).toContain(labelOf(versionId));
  });

  it("costs two reads: the secret's, and that of its policy, which nothing stands in for", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    const { port, calls } = recordCalls(secrets);
    expect(await ensureSecret(token, web, { secrets: port, ledger })).toBe(pinned);
    expect(calls).toEqual(["describeSecret", "getResourcePolicy"]);
  });

  it("is not written again: a version is made once", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await ensureSecret(newer, web, { secrets, ledger });
    await ensureSecret(token, web, { secrets, ledger });
    expect(secrets.get(name).versions.size).toBe(2);
    // The newest token stays the current one; the pinned version keeps its own label.
    expect(secrets.labels(name)[versionIdOf(newer)]).toContain("AWSCURRENT");
    expect(secrets.labels(name)[versionId]).toEqual(["AWSPREVIOUS", labelOf(versionId)]);
  });

  it("gets another reader beside the one that it has", async () => {
    const calls = world();
    await ensureSecret(token, web, calls);
    await ensureSecret(token, other, calls);
    expect(calls.secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("keeps the readers that an earlier version let in, which the ledger does not know", async () => {
    const { secrets, ledger } = world();
    await plant(secrets, encodeToken(token));
    await secrets.putResourcePolicy(name, secretPolicy([OTHER]));
    await ensureSecret(token, web, { secrets, ledger });
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("gets its reader back where somebody has edited the policy", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await ensureSecret(token, other, { secrets, ledger });
    await secrets.putResourcePolicy(name, secretPolicy(["arn:aws:iam::123456789012:role/mallory"]));
    await ensureSecret(token, web, { secrets, ledger });
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, OTHER]));
  });

  it("lets the living roles in where AWS refuses one that was deleted", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await ensureSecret(token, other, { secrets, ledger });
    const third = { ...web, executionRoleArn: "arn:aws:iam::123456789012:role/third" };
    // AWS shows the deleted role as an id.
    secrets.get(name).policy = secretPolicy([READER, "AROAEXAMPLEID"]);
    const strict = withCalls(secrets, {
      putResourcePolicy: async (arn, policy) => secrets.putResourcePolicy(arn, policy.replace(OTHER, "AROAEXAMPLEID")),
    });
    await ensureSecret(token, third, { secrets: strict, ledger });
    expect(secrets.get(name).policy).toBe(secretPolicy([READER, third.executionRoleArn]));
  });

  it("gets its label back, without another write", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await secrets.removeLabel(name, labelOf(versionId), versionId);
    await ensureSecret(token, web, { secrets, ledger });
    expect(secrets.labels(name)).toEqual({ [versionId]: ["AWSCURRENT", labelOf(versionId)] });
  });
});

describe("a version that the ledger does not know", () => {
  it("is refused where its content is not the token", async () => {
    const { secrets, ledger } = world();
    await plant(secrets, encodeToken({ ...token, url: "https://istiod.evil.example:15012" }));
    const ensured = ensureSecret(token, web, { secrets, ledger });
    await expect(ensured).rejects.toMatchObject({ code: "secret-version-foreign", retryable: false });
    expect(secrets.get(name).policy).toBeUndefined();
  });

  it("is used where it holds the very token, and proven once", async () => {
    const { secrets, ledger } = world();
    await plant(secrets, encodeToken(token));
    expect(await ensureSecret(token, web, { secrets, ledger })).toBe(pinned);
    const { port, calls } = recordCalls(secrets);
    await ensureSecret(token, other, { secrets: port, ledger });
    expect(calls).not.toContain("putSecretValue");
  });

  it("is proven again in a secret that somebody has made in place of the deleted one", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    secrets.secrets.clear();
    await plant(secrets, "planted");
    // Secrets Manager gives it another ARN.
    const moved = withCalls(secrets, {
      describeSecret: async (nameOrArn) => {
        const found = await secrets.describeSecret(nameOrArn);
        return found && { ...found, arn: `${found.arn.slice(0, -6)}ZZZZZZ` };
      },
      putSecretValue: (put) => secrets.putSecretValue({ ...put, secretArn: name }),
    });
    const ensured = ensureSecret(token, web, { secrets: moved, ledger });
    await expect(ensured).rejects.toMatchObject({ code: "secret-version-foreign" });
  });
});

describe("two rolls of one identity", () => {
  /** A turn at each call: the second roll goes on wherever the first one waits, and so on, by the bits of a number. */
  function inTurns(order: number) {
    let step = 0;
    const turn = async () => {
      const waits = (order >> (step % 24)) & 3;
      step += 1;
      for (let left = waits; left > 0; left -= 1) await Promise.resolve();
    };
    return <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (object, key) => {
          const member: unknown = Reflect.get(object, key);
          if (typeof member !== "function") return member;
          return async (...args: unknown[]): Promise<unknown> => {
            await turn();
            const answer: unknown = await member.apply(object, args);
            await turn();
            return answer;
          };
        },
      });
  }

  it("keep each other's reader, in whichever order their calls are answered", async () => {
    for (let order = 0; order < 400; order += 1) {
      const { secrets, ledger } = world();
      await ensureSecret(token, { ...web, executionRoleArn: `${READER}-first` }, { secrets, ledger });
      const wrap = inTurns(Math.imul(order + 1, 0x9e3779b1) >>> 0);
      const calls = { secrets: wrap(secrets), ledger: wrap(ledger) };
      await Promise.all([ensureSecret(token, web, calls), ensureSecret(token, other, calls)]);
      expect(secrets.get(name).policy).toBe(secretPolicy([`${READER}-first`, READER, OTHER]));
    }
  });
});

describe("a crash at any call", () => {
  it.each(["before", "after"] as const)("%s it leaves what the next run completes", async (when) => {
    const smooth = world();
    await ensureSecret(token, web, smooth);
    for (let calls = 1; ; calls += 1) {
      const { secrets, ledger } = world();
      const crash = crashing({ calls, when });
      const crashed = await ensureSecret(token, web, { secrets: crash(secrets), ledger: crash(ledger) }).then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (!crashed) {
        expect(calls).toBeGreaterThan(8);
        return;
      }
      expect(await ensureSecret(token, web, { secrets, ledger })).toBe(pinned);
      expect(secrets.secrets).toEqual(smooth.secrets.secrets);
    }
  });
});

describe("a secret that is scheduled for deletion", () => {
  it("is restored, with its versions and its readers", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    secrets.get(name).deleted = true;
    expect(await ensureSecret(token, other, { secrets, ledger })).toBe(pinned);
    expect(secrets.get(name)).toMatchObject({ deleted: false, policy: secretPolicy([READER, OTHER]) });
  });
});

describe("a secret that has no room", () => {
  it("is an error by that name, without the token in it", async () => {
    const { secrets, ledger } = world();
    await ensureSecret(token, web, { secrets, ledger });
    await Promise.all(Array.from({ length: 18 }, (_, index) => secrets.moveLabel(name, `label-${index}`, versionId)));
    const failure: unknown = await ensureSecret(newer, web, { secrets, ledger }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "secret-unavailable", detail: `${name} has 20 staging labels.` });
    expect(String(failure)).not.toContain(encodeToken(newer).slice(0, 20));
    expect(secrets.get(name).versions.size).toBe(1);
  });
});
