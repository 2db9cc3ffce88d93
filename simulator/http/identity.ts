import type { SimulatorRequest } from "./message.ts";

export const DEFAULT_ACCOUNT = "123456789012";
export const DEFAULT_REGION = "us-east-1";

/** The caller of a request whose signature does not name one. */
export interface RequestOrigin {
  readonly invocation?: string;
  readonly account?: string;
  readonly region?: string;
}

const CREDENTIAL = /Credential=([^/\s,]+)\/\d{8}\/([a-z0-9-]+)\//;

/**
 * Account and region of a request. An access key of 12 digits is the account, and so is one of `ASIA` with them, as an
 * assumed role has it; the signature's credential scope names the region. What the signature doesn't say comes from
 * `from`, else from the defaults.
 */
export function callerOf(
  request: Pick<SimulatorRequest, "headers" | "query">,
  from: RequestOrigin = {},
): { account: string; region: string; accessKeyId: string | undefined } {
  const presigned = request.query["X-Amz-Credential"];
  const credential = presigned === undefined ? request.headers.authorization : `Credential=${presigned}`;
  const [, accessKey, region] = CREDENTIAL.exec(credential ?? "") ?? [];
  const [, signedAccount] = /^(?:ASIA)?(\d{12})$/.exec(accessKey ?? "") ?? [];
  return {
    accessKeyId: accessKey,
    account: signedAccount ?? from.account ?? DEFAULT_ACCOUNT,
    region: region ?? from.region ?? DEFAULT_REGION,
  };
}
