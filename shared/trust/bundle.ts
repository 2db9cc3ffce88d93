import { X509Certificate } from "node:crypto";
import { AutopilotError } from "../base/errors.ts";
import { sha256 } from "../base/json.ts";

export interface RootCertificate {
  /** SHA-256 of the certificate: hex pairs joined by colons. */
  readonly fingerprint256: string;
  /**
   * A hash of its subject and public key: what ztunnel trusts. A root that was renewed with its key is the same anchor.
   */
  readonly anchor: string;
  readonly subject: string;
  /** End of validity, ISO 8601. */
  readonly notAfter: string;
}

/** A root CA bundle: one certificate or, during a rotation, several. */
export interface Bundle {
  /** The certificates in PEM, each once, in the order of their fingerprints: equal bundles give equal text. */
  readonly pem: string;
  readonly certificates: readonly [RootCertificate, ...RootCertificate[]];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A mesh has one bundle at a time, which every decision needs, and parsing certificates is expensive. */
const KEPT_BUNDLES = 16;
const parsed = new Map<string, Bundle>();

/**
 * The bundle that a PEM text holds. Line endings, blank lines, comment lines (`#`), order and repeated certificates
 * make no difference. Throws `AutopilotError` `invalid-pem` for anything else, an empty text and a private key
 * included.
 */
export function parseBundle(text: string): Bundle {
  const known = parsed.get(text);
  if (known) return known;
  const bundle = parse(text);
  const [oldest] = parsed.keys();
  if (oldest !== undefined && parsed.size >= KEPT_BUNDLES) parsed.delete(oldest);
  parsed.set(text, bundle);
  return bundle;
}

function parse(text: string): Bundle {
  const rest = text.replace(CERTIFICATE, "").replace(/^\s*#.*$/gm, "");
  if (rest.trim() !== "") throw new AutopilotError("invalid-pem", "It holds more than certificates.");
  const byFingerprint = new Map(
    (text.match(CERTIFICATE) ?? []).map((block, index) => {
      const certificate = parseCertificate(block, index + 1);
      return [certificate.fingerprint256, certificate];
    }),
  );
  const [first, ...others] = [...byFingerprint.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  if (!first) throw new AutopilotError("invalid-pem", "It is empty.");
  return {
    pem: [first, ...others].map((certificate) => certificate.toString()).join(""),
    certificates: [describe(first), ...others.map(describe)],
  };
}

/** The anchors of a bundle, each once. Throws like `parseBundle`. */
export function anchorsIn(text: string): readonly string[] {
  return [...new Set(parseBundle(text).certificates.map(({ anchor }) => anchor))];
}

/** True if the text is one that `parseBundle` reads. */
export function isBundle(text: string): boolean {
  try {
    parseBundle(text);
    return true;
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "invalid-pem") return false;
    throw error;
  }
}

function parseCertificate(block: string, position: number): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new AutopilotError("invalid-pem", `Certificate ${position} of it cannot be read.`, { cause });
  }
}

function describe(certificate: X509Certificate): RootCertificate {
  return {
    fingerprint256: certificate.fingerprint256,
    anchor: anchorOf(certificate),
    subject: certificate.subject.replaceAll("\n", ", "),
    notAfter: certificate.validToDate.toISOString(),
  };
}

function anchorOf({ subject, publicKey }: X509Certificate): string {
  return sha256(`${subject}\n${publicKey.export({ type: "spki", format: "pem" }).toString()}`);
}
