import type { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { AutopilotError } from "../../base/errors.ts";
import type { ServingCertificateCalls } from "../../ports/ports.ts";

/** The name by which ztunnel asks for istiod at the gateway, which passes the connection on. */
const ISTIOD = "istiod.istio-system.svc";
const IDLE_MS = 5_000;
const DEADLINE_MS = 10_000;
const MAX_LINKS = 6;

/**
 * Reads what istiod serves by a TLS handshake, and hangs up. Nothing is sent, and nothing that is received is believed:
 * who has signed it is compared with the bundle. Throws `control-plane-unreachable`.
 */
export const servingCertificates: ServingCertificateCalls = servingCertificatesWithin({ deadlineMs: DEADLINE_MS });

/** The same within another time for the whole, in milliseconds: each byte ends an idle time of its own. */
export function servingCertificatesWithin({ deadlineMs }: { readonly deadlineMs: number }): ServingCertificateCalls {
  return { readChain: (istiodUrl) => readChain(istiodUrl, deadlineMs) };
}

function readChain(istiodUrl: string, deadlineMs: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(istiodUrl);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 443),
      servername: ISTIOD,
      ALPNProtocols: ["h2"],
      // The roots of the mesh are not the system's: what is served is judged by its issuer.
      rejectUnauthorized: false,
      timeout: IDLE_MS,
    });
    const fail = (why: string, cause?: Error) => {
      socket.destroy();
      reject(new AutopilotError("control-plane-unreachable", `TLS handshake with ${istiodUrl}: ${why}`, { cause }));
    };
    const deadline = setTimeout(() => fail(`no whole answer within ${deadlineMs} ms`), deadlineMs);
    socket.once("close", () => clearTimeout(deadline));
    socket.once("secureConnect", () => {
      const chain = linksOf(socket.getPeerX509Certificate());
      socket.destroy();
      if (chain.length > 0) resolve(chain);
      else fail("it has shown no certificate");
    });
    socket.once("timeout", () => fail("no answer"));
    socket.once("error", (error) => fail(error.message, error));
  });
}

function linksOf(served: X509Certificate | undefined): readonly string[] {
  const links: string[] = [];
  for (let link = served; link && links.length < MAX_LINKS; link = link.issuerCertificate) {
    const pem = link.toString();
    if (links.includes(pem)) break;
    links.push(pem);
  }
  return links;
}
