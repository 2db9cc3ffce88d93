import type { CertificateProblem } from "../model/reasons.ts";
import type { RootCertificate } from "./bundle.ts";

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

/** A certificate by its subject and dates, with what is wrong with it as a root. */
export function named(certificate: RootCertificate, nowMs: number): NamedCertificate {
  const { fingerprint256: fingerprint, subject, notBefore, notAfter } = certificate;
  const problem = problemOfRoot(certificate, nowMs);
  return { fingerprint, subject, notBefore, notAfter, ...(problem && { problem }) };
}
