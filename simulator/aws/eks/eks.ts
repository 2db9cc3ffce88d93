import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { JsonObject } from "../../base/json.ts";
import type { AwsService, CallContext, Operation } from "../../core/service.ts";
import type { SimulatorRequest } from "../../http/message.ts";
import type { RestCall } from "../../http/protocols.ts";
import { parseInput } from "../input.ts";
import { onAnything, onResource, textMember } from "../needs.ts";

export interface EksCluster {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** URL of the cluster's Kubernetes API. */
  readonly endpoint: string;
  /** The CA of that endpoint's certificate. */
  readonly certificateAuthorityPem: string;
}

const describeSchema = z.object({ name: z.string().min(1) });
const KUBERNETES_VERSION = "1.33";

/** EKS: what a client needs to find a cluster's Kubernetes API. */
export class Eks implements AwsService {
  readonly name = "eks";
  readonly protocol = { kind: "restJson1", callOf } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  /** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html */
  readonly needs = {
    DescribeCluster: onResource("eks:DescribeCluster", (input, { account, region }) => {
      return `arn:aws:eks:${region}:${account}:cluster/${textMember(input, "name")}`;
    }),
    ListClusters: onAnything("eks:ListClusters"),
  };

  constructor({ clusters }: { readonly clusters: readonly EksCluster[] }) {
    const clustersOf = ({ account, region }: CallContext) =>
      clusters.filter((cluster) => cluster.account === account && cluster.region === region);
    this.operations = {
      DescribeCluster: (input, context) => {
        const { name } = parseInput(describeSchema, input, "InvalidParameterException");
        const cluster = clustersOf(context).find((each) => each.name === name);
        if (cluster === undefined)
          throw new AwsError("ResourceNotFoundException", `No cluster found for name: ${name}.`, 404);
        return { cluster: described(cluster) };
      },
      ListClusters: (_input, context) => ({ clusters: clustersOf(context).map(({ name }) => name) }),
    };
  }
}

/** https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations.html */
function callOf({ method, path, query }: SimulatorRequest): RestCall | undefined {
  if (method !== "GET") return undefined;
  if (path === "/clusters") return { operation: "ListClusters", input: query };
  const [, name] = /^\/clusters\/([^/]+)$/.exec(path) ?? [];
  return name === undefined ? undefined : { operation: "DescribeCluster", input: { name: decodeURIComponent(name) } };
}

function described({ name, account, region, endpoint, certificateAuthorityPem }: EksCluster): JsonObject {
  return {
    name,
    arn: `arn:aws:eks:${region}:${account}:cluster/${name}`,
    version: KUBERNETES_VERSION,
    endpoint,
    status: "ACTIVE",
    certificateAuthority: { data: Buffer.from(certificateAuthorityPem).toString("base64") },
    accessConfig: { authenticationMode: "API" },
  };
}
