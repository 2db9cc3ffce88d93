import { describe, expect, it } from "vitest";
import { anchorsIn, isBundle, parseBundle } from "../../../shared/trust/bundle.ts";
import { rootPem } from "../../support/services.ts";

const a = rootPem("a");
const b = rootPem("b");

describe("parseBundle", () => {
  it("returns every certificate", () => {
    const { certificates, pem } = parseBundle(a);
    expect(pem).toBe(a);
    expect(certificates).toEqual([
      {
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        anchor: expect.stringMatching(/^[0-9a-f]{64}$/),
        subject: "O=cluster.local, CN=root a",
        notAfter: expect.stringMatching(/^2036-11-\d\dT.*Z$/),
      },
    ]);
  });

  it.each([
    ["line endings", a.replaceAll("\n", "\r\n") + b],
    ["order", b + a],
    ["repeated certificates", a + b + a],
    ["blank lines, comments and white space", `# old\n${a}\n\n  # new\n${b.trimEnd()}`],
  ])("returns the same text for other %s", (_what, text) => {
    expect(parseBundle(text)).toEqual(parseBundle(a + b));
  });

  it("gives a renewed root with the same key the same anchor, and another root another", () => {
    const [d, renewed] = [rootPem("d"), rootPem("d-renewed")];
    expect(anchorsIn(renewed)).toEqual(anchorsIn(d));
    expect(anchorsIn(d + renewed)).toHaveLength(1);
    expect(parseBundle(d + renewed).certificates).toHaveLength(2);
    expect(new Set([a, b, d].flatMap(anchorsIn)).size).toBe(3);
  });

  it("returns different texts for different bundles", () => {
    expect(new Set([a, b, a + b].map((text) => parseBundle(text).pem)).size).toBe(3);
  });

  it.each([
    ["nothing", ""],
    ["white space", " \n"],
    ["a text", "root"],
    ["a certificate followed by text", `${a}root`],
    ["a private key", `${a}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ["a broken certificate", a.replace(/\n[^\n]+\n/, "\n")],
    ["a certificate without an end", a.slice(0, 300)],
    ["base64 that is not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("refuses %s as invalid-pem", (_what, text) => {
    expect(() => parseBundle(text)).toThrow(expect.objectContaining({ code: "invalid-pem" }));
    expect(isBundle(text)).toBe(false);
  });
});
