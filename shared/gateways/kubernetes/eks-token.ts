import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentityProvider } from "@smithy/types";

const KEPT_FOR_MS = 14 * 60_000;
/** Ignored by EKS, which takes a token for 15 minutes after its date, yet it must be there. */
const EXPIRES_IN_SECONDS = 60;

/**
 * Bearer tokens for an EKS cluster: a presigned GetCallerIdentity of STS that names the cluster in a signed header.
 * Each is kept for 14 of its 15 minutes, but no longer than the credentials live that signed it: EKS refuses it then.
 * https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go
 */
export function eksToken(options: {
  readonly cluster: string;
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
  readonly now: () => number;
}): () => Promise<string> {
  let kept: { readonly token: Promise<string>; until: number } | undefined;
  return async () => {
    const nowMs = options.now();
    if (!kept || kept.until <= nowMs) {
      const credentials = options.credentials();
      const token = presign(options, () => credentials, new Date(nowMs));
      const entry = { token, until: nowMs + KEPT_FOR_MS };
      kept = entry;
      credentials.then(
        ({ expiration }) => {
          if (expiration !== undefined) entry.until = Math.min(entry.until, expiration.getTime());
        },
        () => undefined, // the caller gets the error, by the token
      );
      token.catch(() => {
        if (kept === entry) kept = undefined; // the caller gets the error: the next one tries again
      });
    }
    return kept.token;
  };
}

async function presign(
  { cluster, region }: Parameters<typeof eksToken>[0],
  credentials: AwsCredentialIdentityProvider,
  signingDate: Date,
): Promise<string> {
  const host = `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const signer = new SignatureV4({ service: "sts", region, credentials, sha256: Sha256 });
  const { query = {} } = await signer.presign(
    new HttpRequest({
      method: "GET",
      protocol: "https:",
      hostname: host,
      path: "/",
      headers: { host, "x-k8s-aws-id": cluster },
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
    }),
    { expiresIn: EXPIRES_IN_SECONDS, signingDate },
  );
  const parameters = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return `k8s-aws-v1.${Buffer.from(`https://${host}/?${parameters.join("&")}`).toString("base64url")}`;
}
