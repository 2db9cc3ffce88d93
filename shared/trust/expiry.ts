import type { Bundle, RootCertificate } from "./bundle.ts";

const DAY_MS = 86_400_000;
/** The days before a root certificate's end at which it is told. */
const thresholdsDays = [90, 30, 14, 7, 1] as const;

export interface Expiring {
  readonly certificate: RootCertificate;
  /** The threshold that it has come below. */
  readonly thresholdDays: number;
  /** Days to its end, begun ones included; negative when it has passed. */
  readonly daysLeft: number;
}

/**
 * The bundle's certificates that have come to a threshold which was not told yet. `told`: the smallest number of days told
 * by fingerprint.
 */
export function expiringSince(
  { certificates }: Bundle,
  told: Readonly<Record<string, number>>,
  nowMs: number,
): readonly Expiring[] {
  return certificates.flatMap((certificate) => {
    const daysLeft = daysUntilEnd(certificate, nowMs);
    const thresholdDays = thresholdsDays.findLast((days) => daysLeft <= days);
    const before = told[certificate.fingerprint256] ?? Number.POSITIVE_INFINITY;
    return thresholdDays !== undefined && thresholdDays < before ? [{ certificate, thresholdDays, daysLeft }] : [];
  });
}

/** Days until the first of the bundle's certificates ends, begun ones included; negative when it has. */
export function daysUntilFirstEnd({ certificates }: Bundle, nowMs: number): number {
  return Math.min(...certificates.map((certificate) => daysUntilEnd(certificate, nowMs)));
}

function daysUntilEnd({ notAfter }: RootCertificate, nowMs: number): number {
  return Math.ceil((Date.parse(notAfter) - nowMs) / DAY_MS);
}
