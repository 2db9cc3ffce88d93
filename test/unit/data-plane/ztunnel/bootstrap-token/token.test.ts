import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { versionIdOf } from "../../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { decodeToken, encodeToken } from "../../../../../shared/data-plane/ztunnel/bootstrap-token/token.ts";
import { token, tokens } from "../../../../support/tokens.ts";

const base64 = (value: string): string => Buffer.from(value).toString("base64");
const wrap = (value: string, width: number): string =>
  value.replace(new RegExp(`.{${width}}`, "g"), (line) => `${line}\r\n`);

describe("a bootstrap token", () => {
  it("is JSON with istioctl's order of members, encoded twice in base64, on one line", () => {
    const { url, caCert, ...others } = token;
    const encoded = encodeToken({ ...others, caCert, url });
    expect(encoded).not.toMatch(/\s/);
    const json = Buffer.from(Buffer.from(encoded, "base64").toString(), "base64").toString();
    expect(json).toBe(JSON.stringify(token));
  });

  it("is decoded to its original content", () => {
    fc.assert(
      fc.property(tokens, (any) => {
        expect(decodeToken(encodeToken(any))).toEqual(any);
      }),
    );
  });

  it("is decoded with line breaks at both levels", () => {
    fc.assert(
      fc.property(tokens, fc.integer({ min: 1, max: 90 }), (any, width) => {
        const wrapped = wrap(base64(wrap(base64(JSON.stringify(any)), width)), width);
        expect(decodeToken(`\n${wrapped}\n`)).toEqual(any);
      }),
    );
  });

  it.each([
    ["empty", ""],
    ["not base64", "§§§"],
    ["encoded once", base64(JSON.stringify(token))],
    ["not JSON", base64(base64("secret-text"))],
    ["another JSON", base64(base64("[1]"))],
    ["without a member", base64(base64(JSON.stringify({ ...token, network: undefined })))],
    ["for an unknown platform", base64(base64(JSON.stringify({ ...token, platform: "secret-text" })))],
  ])("that is %s is an invalid-token error without the content", (_what, value) => {
    expect(() => decodeToken(value)).toThrow(expect.objectContaining({ code: "invalid-token" }));
    expect(() => decodeToken(value)).not.toThrow(/secret-text/);
  });

  it("has a version id that depends only on its content", () => {
    expect(versionIdOf(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(versionIdOf({ ...token })).toBe(versionIdOf(token));
    expect(versionIdOf({ ...token, remote: false })).not.toBe(versionIdOf(token));
  });
});
