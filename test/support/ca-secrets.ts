/** A Kubernetes secret in istiod's namespace. */
export function secretObject(name: string, texts: Readonly<Record<string, string>>) {
  const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  const metadata = { name, namespace: "istio-system" };
  return { apiVersion: "v1", kind: "Secret", metadata, data: Object.fromEntries(encoded) };
}

/** What stands for the CA's key. */
export const CA_KEY = "-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n";

/** What a secret called `cacerts` holds, as Istio's guide makes it. */
export function caSecret(certificate: string, chain: string) {
  return { "ca-cert.pem": certificate, "ca-key.pem": CA_KEY, "cert-chain.pem": chain, "root-cert.pem": chain };
}
