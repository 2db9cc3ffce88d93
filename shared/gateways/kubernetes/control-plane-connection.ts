import { DescribeClusterCommand, EKSClient } from "@aws-sdk/client-eks";
import type { AwsCredentialIdentityProvider } from "@smithy/types";
import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import type { PlacedClients } from "../aws/aws-clients.ts";
import { call } from "../aws/errors.ts";
import type { ClusterConnection } from "./cluster-connection.ts";
import { eksToken } from "./eks-token.ts";
import { parseKubeconfig } from "./kubeconfig.ts";

const clusterSchema = z.object({
  endpoint: z.url(),
  certificateAuthority: z.object({ data: z.string().min(1) }),
});

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
}): () => Promise<ClusterConnection> {
  const { cluster: name } = options;
  const client = options.clients(EKSClient);
  return async () => {
    const described = await call(`DescribeCluster ${name}`, () => client.send(new DescribeClusterCommand({ name })));
    const parsed = clusterSchema.safeParse(described.cluster);
    if (!parsed.success) {
      throw new AutopilotError("control-plane-unreachable", `the EKS cluster ${name} has no endpoint yet`, {
        cause: parsed.error,
      });
    }
    const { endpoint, certificateAuthority } = parsed.data;
    // A new connection must not get the token that was refused.
    const bearerToken = eksToken({ ...options, cluster: name });
    return { server: endpoint, caData: certificateAuthority.data, user: { bearerToken } };
  };
}

/** Connects with the kubeconfig that a secret holds; `read` gives its text. Throws `invalid-config`. */
export function kubeconfigConnection(options: {
  readonly secretName: string;
  readonly read: () => Promise<string>;
}): () => Promise<ClusterConnection> {
  return async () => parseKubeconfig(await options.read(), options.secretName);
}
