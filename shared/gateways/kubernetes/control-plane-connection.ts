import { DescribeClusterCommand, EKSClient } from "@aws-sdk/client-eks";
import type { AwsCredentialIdentityProvider } from "@smithy/types";
import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import { expiringCache } from "../../base/expiring-cache.ts";
import type { PlacedClients } from "../aws/aws-clients.ts";
import { call } from "../aws/errors.ts";
import type { Connect } from "./cluster-connection.ts";
import { eksToken } from "./eks-token.ts";
import { parseKubeconfig } from "./kubeconfig.ts";

const clusterSchema = z.object({
  endpoint: z.url(),
  certificateAuthority: z.object({ data: z.string().min(1) }),
});

/** An endpoint stays. A certificate authority may be replaced: then calls fail, and the cluster is described again. */
const DESCRIBED_KEPT_MS = 6 * 3_600_000;

/**
 * Connects to an EKS cluster with presigned STS tokens. Throws `control-plane-unreachable` when the cluster has no
 * endpoint (it is being created) and what `asFailure` names when EKS does not answer.
 */
export function eksConnection(options: {
  readonly clients: PlacedClients;
  readonly cluster: string;
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
  readonly now: () => number;
}): Connect {
  const { cluster: name, now } = options;
  const client = options.clients(EKSClient);
  const known = expiringCache<z.infer<typeof clusterSchema>>({ size: 1, ttlMs: DESCRIBED_KEPT_MS, now });
  const describe = async () => {
    const described = await call(`DescribeCluster ${name}`, () => client.send(new DescribeClusterCommand({ name })));
    const parsed = clusterSchema.safeParse(described.cluster);
    if (!parsed.success) {
      throw new AutopilotError("control-plane-unreachable", `the EKS cluster ${name} has no endpoint yet`, {
        cause: parsed.error,
      });
    }
    known.set(name, parsed.data);
    return parsed.data;
  };
  return async ({ fresh = false } = {}) => {
    const { endpoint, certificateAuthority } = (fresh ? undefined : known.get(name)) ?? (await describe());
    // Of this connection alone: after a refusal, a new connection has a new token.
    const bearerToken = eksToken({ ...options, cluster: name });
    return { server: endpoint, caData: certificateAuthority.data, user: { bearerToken } };
  };
}

/** Connects with the kubeconfig that a secret holds; `read` gives its text. Throws `invalid-config`. */
export function kubeconfigConnection(options: {
  readonly secretName: string;
  readonly read: () => Promise<string>;
}): Connect {
  return async () => parseKubeconfig(await options.read(), options.secretName);
}
