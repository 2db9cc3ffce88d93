import type { CertificateProblem } from "../model/reasons.ts";
import { parseBundle, type RootCertificate } from "./bundle.ts";

/** What is wrong with the certificate as a root; undefined for one that tasks can rely on. */
export function problemOfRoot(
  { kind, notBefore, notAfter }: Pick<RootCertificate, "kind" | "notBefore" | "notAfter">,
  nowMs: number,
): CertificateProblem | undefined {
  if (kind !== "root") return kind;
  if (nowMs < Date.parse(notBefore)) return "not-valid-yet";
  return nowMs >= Date.parse(notAfter) ? "expired" : undefined;
}

/** A certificate as events name it. */
export interface NamedCertificate {
  readonly fingerprint: string;
  readonly subject: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly problem?: CertificateProblem;
}

/** An event has 256 KB at most, and people read the first few. */
const MAX_NAMED = 10;

/** The certificates of a bundle for people: all, or those of the fingerprints. Throws `invalid-pem`. */
export function namedOf(rootCaPem: string, nowMs: number, fingerprints?: readonly string[]): NamedCertificate[] {
  return parseBundle(rootCaPem)
    .certificates.filter((one) => fingerprints?.includes(one.fingerprint256) ?? true)
    .slice(0, MAX_NAMED)
    .map((one) => named(one, nowMs));
}

/** A certificate by its subject and dates, with what is wrong with it as a root. */
function named(certificate: RootCertificate, nowMs: number): NamedCertificate {
  const { fingerprint256: fingerprint, subject, notBefore, notAfter } = certificate;
  const problem = problemOfRoot(certificate, nowMs);
  return { fingerprint, subject, notBefore, notAfter, ...(problem && { problem }) };
}
