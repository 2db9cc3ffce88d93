import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import type { Asking } from "./workload-entries.ts";

const NAMESPACE = "istio-system";
/**
 * An operator's own CA, and the one that istiod makes without:
 * https://istio.io/latest/docs/tasks/security/cert-management/
 */
const CA_SECRETS = ["cacerts", "istio-ca-secret"] as const;
/** What istiod signs with, and an intermediate or two. */
const MAX_LINKS = 6;

/** Only certificates are taken from the answer. The keys beside them are never read out of it. */
const base64 = z.string().transform((text) => Buffer.from(text, "base64").toString());
const secretSchema = z.object({
  data: z.object({ "ca-cert.pem": base64, "cert-chain.pem": base64.optional() }).or(
    z.object({ "tls.crt": base64 }), // of the type kubernetes.io/tls, as cert-manager writes it
  ),
});

/**
 * The certificates that istiod signs with, its own first, in PEM: of the CA that an operator has plugged in, else of
 * the one that istiod has made. Throws `control-plane-incomplete` where there is none.
 */
export async function readCaChain({ find, need }: Asking): Promise<readonly string[]> {
  for (const name of CA_SECRETS) {
    const what = `Secret ${NAMESPACE}/${name}`;
    const secret = await find(what, ({ core }) =>
      core.readNamespacedSecret({ namespace: NAMESPACE, name }).catch((error: unknown) => {
        // Its message would quote the answer.
        if (error instanceof SyntaxError) throw new AutopilotError("control-plane-incomplete", `${what} is not JSON`);
        throw error;
      }),
    );
    if (secret === undefined) continue;
    const { data } = need(secretSchema, secret, what);
    const text = "tls.crt" in data ? data["tls.crt"] : `${data["ca-cert.pem"]}\n${data["cert-chain.pem"] ?? ""}`;
    return certificatesIn(text, what);
  }
  throw new AutopilotError(
    "control-plane-incomplete",
    `Neither Secret ${NAMESPACE}/${CA_SECRETS.join(" nor ")} exists`,
  );
}

function certificatesIn(text: string, what: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new AutopilotError("control-plane-incomplete", `${what} has no certificate`);
  return found.slice(0, MAX_LINKS);
}
