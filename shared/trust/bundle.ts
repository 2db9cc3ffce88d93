import { X509Certificate } from "node:crypto";
import { AutopilotError } from "../base/errors.ts";
import { sha256 } from "../base/json.ts";
import { counted } from "../base/plural.ts";

export interface RootCertificate {
  /** SHA-256 of the certificate: hex pairs joined by colons. */
  readonly fingerprint256: string;
  /**
   * A hash of its subject and public key: what ztunnel trusts. A root that was renewed with its key is the same anchor.
   */
  readonly anchor: string;
  readonly subject: string;
  /** By the certificate itself: an authority that signed itself, one that another one signed, or no authority. */
  readonly kind: "root" | "intermediate" | "leaf";
  /** Begin and end of validity, ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}

/** A root CA bundle: one certificate or, during a rotation, several. */
export interface Bundle {
  /** The certificates in PEM, each once, in the order of their fingerprints: equal bundles give equal text. */
  readonly pem: string;
  readonly certificates: readonly [RootCertificate, ...RootCertificate[]];
}

/** What OpenSSL reads as a certificate. What comes out is always the first. */
const CERTIFICATE_LABELS: readonly string[] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/** Kubernetes' limit of a ConfigMap. */
const MAX_TEXT_LENGTH = 1_048_576;
/** A secret has 64 KiB, and a token is base64 twice: with more, no token could be made. */
export const MAX_BUNDLE_BYTES = 35_000;

/** A mesh has one bundle at a time, which every decision needs, and parsing certificates is expensive. */
const KEPT_BUNDLES = 16;
const parsed = new Map<string, Bundle>();

/**
 * The bundle that a PEM text holds, read as leniently as ztunnel and OpenSSL read it: text and attributes around the
 * certificates, line endings, a byte order mark, indentation, order, repeated certificates and things of other kinds
 * make no difference. Throws `AutopilotError` `invalid-pem` for a text without a certificate, with one that can't be
 * read, with a private key, or that is too large for a bootstrap token.
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
  if (text.length > MAX_TEXT_LENGTH) throw new AutopilotError("invalid-pem", `It has ${text.length} characters.`);
  const byFingerprint = new Map(
    certificateBlocks(text).map((block, index) => {
      const certificate = readCertificate(block, index + 1);
      return [certificate.described.fingerprint256, certificate];
    }),
  );
  const [first, ...others] = [...byFingerprint.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  if (!first) throw new AutopilotError("invalid-pem", "It has no certificate.");
  const pem = [first, ...others].map((certificate) => certificate.pem).join("");
  if (pem.length > MAX_BUNDLE_BYTES) {
    const has = `It has ${pem.length} bytes in ${counted(byFingerprint.size, "certificate")}`;
    throw new AutopilotError("invalid-pem", `${has}: a bootstrap token has room for ${MAX_BUNDLE_BYTES}.`);
  }
  return { pem, certificates: [first.described, ...others.map(({ described }) => described)] };
}

/** The certificates of a text, line by line. A mark counts where it is all that its line has, as for OpenSSL. */
function certificateBlocks(text: string): readonly string[] {
  const blocks: string[] = [];
  let open: { readonly label: string; readonly lines: string[] } | undefined;
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    const [, edge, label = ""] = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/.exec(line) ?? [];
    if (open) open.lines.push(line);
    if (edge === "BEGIN") {
      if (open) throw new AutopilotError("invalid-pem", `A ${open.label} in it has no end.`);
      if (label.endsWith("PRIVATE KEY")) throw new AutopilotError("invalid-pem", "It holds a private key.");
      open = { label, lines: [line] };
    } else if (open && edge === "END" && label === open.label) {
      if (CERTIFICATE_LABELS.includes(label)) blocks.push(open.lines.join("\n"));
      open = undefined;
    }
  }
  if (open) throw new AutopilotError("invalid-pem", `A ${open.label} in it has no end.`);
  return blocks;
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

/** What OpenSSL prints for an invalid time. Node.js makes any date of it. */
const NO_TIME = "Bad time value";

/** OpenSSL also reads certificates whose times or whose key mean nothing: of such a key, the description fails. */
function readCertificate(block: string, position: number) {
  try {
    const certificate = new X509Certificate(block);
    if ([certificate.validFrom, certificate.validTo].includes(NO_TIME)) throw new RangeError(NO_TIME);
    return { pem: certificate.toString(), described: describe(certificate) };
  } catch (cause) {
    throw new AutopilotError("invalid-pem", `Certificate ${position} of it cannot be read.`, { cause });
  }
}

function describe(certificate: X509Certificate): RootCertificate {
  return {
    fingerprint256: certificate.fingerprint256,
    anchor: anchorOf(certificate),
    subject: certificate.subject.replaceAll("\n", ", "),
    kind: kindOf(certificate),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
  };
}

function anchorOf({ subject, publicKey }: X509Certificate): string {
  return sha256(`${subject}\n${publicKey.export({ type: "spki", format: "pem" }).toString()}`);
}

function kindOf(certificate: X509Certificate): RootCertificate["kind"] {
  if (!certificate.ca) return "leaf";
  return certificate.subject === certificate.issuer && isSignedByItself(certificate) ? "root" : "intermediate";
}

function isSignedByItself(certificate: X509Certificate): boolean {
  try {
    return certificate.verify(certificate.publicKey);
  } catch {
    return false; // an algorithm that is not supported here proves nothing
  }
}
