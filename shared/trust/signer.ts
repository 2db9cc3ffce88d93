import { X509Certificate } from "node:crypto";
import { type Bundle, parseBundle } from "./bundle.ts";

/** istiod's own certificate, intermediates and a root: a longer chain is not followed. */
const MAX_LINKS = 6;

/**
 * The anchor that vouches for a chain of certificates, the served one first: the root of the bundle that has signed it,
 * or an intermediate of the chain that the root has signed. Undefined where none of the bundle has. Throws
 * `invalid-pem`.
 */
export function signerOf(chain: readonly string[], { pem }: Bundle): string | undefined {
  const roots = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  const known = roots.map((root) => {
    const [{ anchor }] = parseBundle(root).certificates;
    return { anchor, certificate: new X509Certificate(root) };
  });
  const links = chain.map((link) => new X509Certificate(parseBundle(link).pem));
  let present = links[0];
  for (let n = 0; present && n < MAX_LINKS; n += 1) {
    const link: X509Certificate = present;
    const found = known.find(({ certificate }) => hasSigned(certificate, link));
    if (found) return found.anchor;
    present = links.find((other) => other !== link && hasSigned(other, link));
  }
  return undefined;
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // an algorithm that is not supported here proves nothing
  }
}
