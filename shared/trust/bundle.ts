import { X509Certificate } from "node:crypto";
import { AutopilotError } from "../errors.ts";

export interface RootCertificate {
  /** SHA-256 of the certificate: hex pairs joined by colons. */
  readonly fingerprint256: string;
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

/**
 * The bundle that a PEM text holds. Line endings, blank lines, comment lines (`#`), order and repeated certificates make
 * no difference. Throws `AutopilotError` `invalid-pem` for anything else, an empty text and a private key included.
 */
export function parseBundle(text: string): Bundle {
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

/** True if both bundles hold the same certificates. Throws like `parseBundle`. */
export function sameBundle(a: string, b: string): boolean {
  return parseBundle(a).pem === parseBundle(b).pem;
}

/** The certificate of the bundle that expires first. */
export function soonestExpiry(bundle: Bundle): RootCertificate {
  return bundle.certificates.reduce((a, b) => (Date.parse(b.notAfter) < Date.parse(a.notAfter) ? b : a));
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
    subject: certificate.subject.replaceAll("\n", ", "),
    notAfter: certificate.validToDate.toISOString(),
  };
}
