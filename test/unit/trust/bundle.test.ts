import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { anchorsIn, isBundle, MAX_BUNDLE_BYTES, parseBundle } from "../../../shared/trust/bundle.ts";
import { rootPem } from "../../support/services.ts";

const a = rootPem("a");
const b = rootPem("b");

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/trust/${name}.pem`, import.meta.url), "utf8");

/** Root a with another text of the same length as its end. */
function withEnd(text: string): string {
  const der = Buffer.from(a.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const { notAfter } = parseBundle(a).certificates[0];
  const end = Buffer.from(`${notAfter.slice(2, 19).replace(/[-:T]/g, "")}Z`);
  Buffer.from(text).copy(der, der.indexOf(end));
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** Root a with another byte in the identifier of its key's algorithm, 1.2.840.10045.2.1. */
function withKeyType(byte: string): string {
  const der = Buffer.from(a.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  der.write(byte, der.indexOf(Buffer.from("2a8648ce3d0201", "hex")), "latin1");
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

describe("parseBundle", () => {
  it("returns every certificate", () => {
    const { certificates, pem } = parseBundle(a);
    expect(pem).toBe(a);
    expect(certificates).toEqual([
      {
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
        anchor: expect.stringMatching(/^[0-9a-f]{64}$/),
        subject: "O=cluster.local, CN=root a",
        kind: "root",
        notBefore: expect.stringMatching(/^2026-11-21T.*Z$/),
        notAfter: expect.stringMatching(/^2036-11-\d\dT.*Z$/),
      },
    ]);
  });

  it.each([
    ["line endings", a.replaceAll("\n", "\r\n") + b],
    ["order", b + a],
    ["repeated certificates", a + b + a],
    ["blank lines, comments and white space", `# old\n${a}\n\n  # new\n${b.trimEnd()}`],
    ["text and attributes around it", `Bag Attributes\n    friendlyName: a\n${a}subject=CN = b\n${b}the end`],
    ["a byte order mark and old line endings", `\uFEFF${a.replaceAll("\n", "\r")}${b}`],
    ["indentation and trailing spaces", a.replaceAll(/^/gm, "    ").replaceAll("\n", "  \n") + b],
    ["the older label", a.replaceAll("CERTIFICATE", "X509 CERTIFICATE") + b],
    ["things of other kinds", `${a}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n${b}`],
    ["a certificate in a comment", `# ${a.replaceAll("\n", "\n# ")}\n${a}${b}`],
  ])("returns the same text for other %s", (_what, text) => {
    expect(parseBundle(text)).toEqual(parseBundle(a + b));
  });

  it("reads OpenSSL's trusted certificates, and returns the certificate alone, which ztunnel reads", () => {
    expect(parseBundle(fixture("root-e-trusted"))).toEqual(parseBundle(fixture("root-e")));
    expect(parseBundle(fixture("root-e-trusted")).pem).toContain("-----BEGIN CERTIFICATE-----");
  });

  it.each([
    ["root-e", "root"],
    ["intermediate", "intermediate"],
    ["leaf", "leaf"],
    ["future", "root"],
  ])("says of %s by the certificate itself that it is a %s", (name, kind) => {
    expect(parseBundle(fixture(name)).certificates[0].kind).toBe(kind);
  });

  it("reads a megabyte of anything in linear time", () => {
    const marks = "-----BEGIN X-----\n-----END X-----\n".repeat(29_000);
    expect(parseBundle(marks + a).certificates).toHaveLength(1);
    expect(() => parseBundle("-----BEGIN CERTIFICATE-----\n".repeat(37_000))).toThrow("has no end");
  });

  it("refuses what leaves no room in a bootstrap token, and says how much there is", () => {
    const many = fixture("many").split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(parseBundle(many.slice(0, 50).join("")).pem.length).toBeLessThan(MAX_BUNDLE_BYTES);
    expect(() => parseBundle(many.join(""))).toThrow(`a bootstrap token has room for ${MAX_BUNDLE_BYTES}`);
    expect(() => parseBundle("x".repeat(1_048_577))).toThrow("It has 1048577 characters");
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
    ["a commented certificate alone", `# ${a.replaceAll("\n", "\n# ")}`],
    ["a private key", `${a}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ["a broken certificate", a.replace(/\n[^\n]+\n/, "\n")],
    ["a certificate without an end", a.slice(0, 300)],
    ["base64 that is not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ["a certificate whose key is of no kind", withKeyType("\u0000")],
    ["a certificate whose end is not a date", withEnd("361323004801Z")],
    ["a certificate whose end is not a number", withEnd("36112300480AZ")],
  ])("refuses %s as invalid-pem", (_what, text) => {
    expect(() => parseBundle(text)).toThrow(expect.objectContaining({ code: "invalid-pem" }));
    expect(isBundle(text)).toBe(false);
  });
});
