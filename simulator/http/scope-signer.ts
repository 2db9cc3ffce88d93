import type { AwsCredentialIdentity, AwsCredentialIdentityProvider, HttpRequest, RequestSigner } from "@smithy/types";

type Credentials = AwsCredentialIdentity | AwsCredentialIdentityProvider;

/**
 * Writes the caller and the region into a request, without a signature: the simulator has no keys to check one with,
 * and signing is a good part of what a call costs in process.
 */
export function scopeSigner(credentials: Credentials, region: string): RequestSigner {
  const scope = scopeOf(credentials, region);
  return {
    sign: async (request: HttpRequest) => {
      return { ...request, headers: { ...request.headers, authorization: await scope() } };
    },
  };
}

/** The authorization header of a request that is made with these credentials, as the simulator reads it. */
export function scopeOf(credentials: Credentials | undefined, region: string): () => Promise<string> {
  return async () => {
    const { accessKeyId = "" } = typeof credentials === "function" ? await credentials() : (credentials ?? {});
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/${region}/simulator/aws4_request`;
  };
}
