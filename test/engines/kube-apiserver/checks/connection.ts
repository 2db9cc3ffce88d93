import { type Cluster, tokens } from "../cluster/cluster.ts";
import { attempted } from "../cluster/outcomes.ts";
import { accepted, type PlaneOptions, planeOf } from "../cluster/worlds.ts";
import type { Check, CheckChapter } from "./check.ts";

const NETWORK = '"eks"';

/** Certificates, tokens and addresses of a cluster. */
export const connectionChapter: CheckChapter = {
  name: "connection",
  checks: [
    reads("a token", {}, NETWORK),
    reads("a client certificate", { certificate: "client" }, NETWORK),
    reads(
      "a client certificate of another authority",
      { certificate: "stranger" },
      /^control-plane-refused: .*HTTP 401/,
    ),
    reads(
      "another authority's certificate",
      { caFile: "other-ca.crt" },
      unreachable("self-signed|unable to verify|unable to get"),
    ),
    elsewhere("another host name", ({ server }) => server.replace("127.0.0.1", "localhost"), unreachable("altnames")),
    elsewhere("a closed port", () => "https://127.0.0.1:65534", unreachable("ECONNREFUSED")),
    {
      what: "a role by a wrong token",
      expected: /^control-plane-refused: .*HTTP 401/,
      play: (cluster) =>
        attempted(() => planeOf(cluster, { token: async () => "moon" }).readBindings("istio-system", "absent")),
    },
    {
      what: "a role by a wrong token that is renewed",
      expected: "[]",
      play: (cluster) => {
        let asked = 0;
        const token = async () => (asked++ === 0 ? "moon" : tokens.autopilot);
        return attempted(() => planeOf(cluster, { token }).readBindings("istio-system", "absent"));
      },
    },
    ...slashes(),
  ],
};

function unreachable(why: string): RegExp {
  return new RegExp(`^control-plane-unreachable: .*(${why})`, "s");
}

function reads(what: string, over: Partial<PlaneOptions>, expected: string | RegExp): Check {
  return elsewhere(what, ({ server }) => server, expected, over);
}

function elsewhere(
  what: string,
  serverOf: (cluster: Cluster) => string,
  expected: string | RegExp,
  over: Partial<PlaneOptions> = {},
): Check {
  const play = (cluster: Cluster) =>
    attempted(async () => (await planeOf(cluster, { ...over, server: serverOf(cluster) }).readMeshFacts()).network);
  return { what: `mesh facts by ${what}`, expected, play };
}

/** A kubeconfig may write the server's address with a slash at its end. */
function slashes(): readonly Check[] {
  const plane = (cluster: Cluster) => planeOf(cluster, { server: `${cluster.server}/` });
  return [
    elsewhere("an address with a slash at its end", ({ server }) => `${server}/`, NETWORK),
    {
      what: "a namespace by an address with a slash at its end",
      expected: "done",
      play: (cluster) => attempted(() => plane(cluster).ensureNamespace("slash")),
    },
    {
      what: "entries by an address with a slash at its end",
      expected: '[{"namespace":"slash","name":"slash","annotations":{},"labels":{},"address":"10.7.0.1"}]',
      play: async (cluster) => {
        const metadata = { name: "slash", namespace: "slash" };
        const body = {
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadEntry",
          metadata,
          spec: { address: "10.7.0.1" },
        };
        const path = "/apis/networking.istio.io/v1/namespaces/slash/workloadentries";
        await accepted(cluster, { method: "POST", path, body });
        return attempted(() => plane(cluster).listWorkloadEntries({ namespace: "slash" }));
      },
    },
  ];
}
