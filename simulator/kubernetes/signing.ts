import { X509Certificate } from "node:crypto";
import type { Clock } from "../clock/clock.ts";
import { servingPems } from "./root-ca.ts";

/** istiod's default lifetime of a workload's certificate, which is renewed after half of it. */
const DEFAULT_LIFETIME_MS = 24 * 3_600_000;

/**
 * Which root istiod signs with: what it serves itself, and what tasks hold. That is a thing of its own: a bundle with
 * two roots does not say it.
 */
export class Signing {
  readonly #clock: Clock;
  readonly #lifetimeMs: number;
  /** Since when it serves which certificate, the oldest first. */
  readonly #serving: { readonly sinceMs: number; readonly pem: string | undefined }[] = [];
  /** Since when tasks have had certificates. */
  readonly #holders = new Map<string, number>();

  constructor(clock: Clock, lifetimeMs = DEFAULT_LIFETIME_MS) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  /** It goes on as it does while its root is in the bundle; else it signs with the first one. */
  bundleChanged(pem: string): void {
    const present = this.#serving.at(-1)?.pem;
    const signs = (root: X509Certificate) => present !== undefined && isSignedBy(present, root);
    const roots = certificatesIn(pem);
    if (!roots.some(signs)) this.#signWith(roots[0]);
  }

  /** Signs with this root from now on. */
  signWith(rootPem: string): void {
    this.#signWith(certificatesIn(rootPem)[0]);
  }

  /** What it serves at its gateway; none for a root whose key the simulator does not have. */
  chain(): readonly string[] {
    const pem = this.#serving.at(-1)?.pem;
    return pem === undefined ? [] : [pem];
  }

  taskRuns(taskArn: string, runs: boolean): void {
    if (!runs) this.#holders.delete(taskArn);
    else if (!this.#holders.has(taskArn)) this.#holders.set(taskArn, this.#clock.now());
  }

  /** How many tasks hold a certificate that this root has signed. */
  held(rootPem: string): number {
    const [root] = certificatesIn(rootPem);
    if (!root) return 0;
    return [...this.#holders.values()].filter((sinceMs) => {
      const pem = this.#servingAt(this.#renewedAt(sinceMs));
      return pem !== undefined && isSignedBy(pem, root);
    }).length;
  }

  #signWith(root: X509Certificate | undefined): void {
    const pem = root && servingPems.find((one) => isSignedBy(one, root));
    this.#serving.push({ sinceMs: this.#clock.now(), pem });
  }

  #renewedAt(sinceMs: number): number {
    const age = this.#clock.now() - sinceMs;
    return sinceMs + age - (age % (this.#lifetimeMs / 2));
  }

  #servingAt(atMs: number): string | undefined {
    return this.#serving.findLast(({ sinceMs }) => sinceMs <= atMs)?.pem;
  }
}

function isSignedBy(pem: string, root: X509Certificate): boolean {
  const certificate = new X509Certificate(pem);
  return certificate.checkIssued(root) && certificate.verify(root.publicKey);
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
