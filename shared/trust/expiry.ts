import type { Bundle, RootCertificate } from "./bundle.ts";

const DAY_MS = 86_400_000;
/** The days before a root certificate's expiry at which it is notified. With 0, it has expired. */
const thresholdsDays = [90, 30, 14, 7, 1, 0] as const;

export interface Expiring {
  readonly certificate: RootCertificate;
  /** The threshold that it has passed. */
  readonly thresholdDays: number;
  /** Days until it expires, rounded up; negative when it has expired. */
  readonly daysLeft: number;
}

/**
 * The bundle's certificates that have passed a threshold which was not notified yet. `notified`: the smallest number of
 * days notified, by fingerprint.
 */
export function expiringSince(
  { certificates }: Bundle,
  notified: Readonly<Record<string, number>>,
  nowMs: number,
): readonly Expiring[] {
  return certificates.flatMap((certificate) => {
    const daysLeft = daysUntilEnd(certificate, nowMs);
    const thresholdDays = thresholdsDays.findLast((days) => daysLeft <= days);
    const before = notified[certificate.fingerprint256] ?? Number.POSITIVE_INFINITY;
    return thresholdDays !== undefined && thresholdDays < before ? [{ certificate, thresholdDays, daysLeft }] : [];
  });
}

/** Days until the first of the bundle's certificates expires, rounded up; negative when it has expired. */
export function daysUntilFirstEnd({ certificates }: Bundle, nowMs: number): number {
  return Math.min(...certificates.map((certificate) => daysUntilEnd(certificate, nowMs)));
}

function daysUntilEnd({ notAfter }: RootCertificate, nowMs: number): number {
  return Math.ceil((Date.parse(notAfter) - nowMs) / DAY_MS) + 0; // no negative zero
}
