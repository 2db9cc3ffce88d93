import type { SignatureV4CryptoInit, SignatureV4Init } from "@smithy/signature-v4";
import type { AwsCredentialIdentity, HttpRequest, RequestSigner } from "@smithy/types";

/**
 * Writes who calls and in which region into a request, without a signature: the lab has no keys to check one with, and
 * making it is a good part of what a call costs in process.
 */
export class ScopeSigner implements RequestSigner {
  readonly #credentials: () => Promise<AwsCredentialIdentity>;
  readonly #region: () => Promise<string>;
  readonly #service: string;

  constructor({ credentials, region, service }: SignatureV4Init & SignatureV4CryptoInit) {
    this.#credentials = async () => (typeof credentials === "function" ? credentials() : credentials);
    this.#region = async () => (typeof region === "function" ? region() : region);
    this.#service = service;
  }

  async sign(request: HttpRequest): Promise<HttpRequest> {
    const { accessKeyId } = await this.#credentials();
    const scope = `${accessKeyId}/20260101/${await this.#region()}/${this.#service}/aws4_request`;
    return { ...request, headers: { ...request.headers, authorization: `AWS4-HMAC-SHA256 Credential=${scope}` } };
  }
}
