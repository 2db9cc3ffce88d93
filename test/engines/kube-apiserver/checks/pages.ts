import type { ControlPlaneCalls } from "../../../../shared/ports/ports.ts";
import { type Cluster, tokens } from "../cluster/cluster.ts";
import { attempted } from "../cluster/outcomes.ts";
import { accepted, expireTokens, planeOf } from "../cluster/worlds.ts";
import type { Check, CheckChapter } from "./check.ts";

/** Three pages of the gateway. */
const ENTRIES = 1100;
/** Two pages of the gateway. */
const ACCOUNTS = 600;
const AT_ONCE = 20;

/** Lists of more entries than a page of the gateway has, also when the rest of one is gone. */
export const pagesChapter: CheckChapter = {
  name: "many entries",
  checks: [
    {
      what: "all pages",
      expected: String(ENTRIES),
      play: async (cluster) => {
        await fill(cluster);
        return counted(cluster, 0);
      },
    },
    compacted("etcd is compacted after the first page", 1, String(ENTRIES)),
    compacted("etcd is compacted after every page", 100, /^control-plane-busy: .*HTTP 410/),
    {
      what: "all service accounts, with etcd compacted after the first page",
      expected: String(ACCOUNTS),
      play: async (cluster) => {
        await fillAccounts(cluster);
        return attempted(async () => {
          const bindings = await planeThat(cluster, 1).listBindings("many");
          return [...bindings.keys()].filter((name) => name.startsWith("a")).length;
        });
      },
    },
    {
      what: "all service accounts, with etcd compacted after every page",
      expected: /^control-plane-busy: .*HTTP 410/,
      play: (cluster) => attempted(() => planeThat(cluster, 100).listBindings("many")),
    },
  ],
};

function compacted(what: string, times: number, expected: string | RegExp): Check {
  return { what, expected, play: (cluster) => counted(cluster, times) };
}

/** The number of addresses that the gateway finds. */
async function counted(cluster: Cluster, compactions: number): Promise<string> {
  const plane = planeThat(cluster, compactions);
  return attempted(async () => (await plane.listWorkloadEntries({ namespace: "many" })).length);
}

/** A gateway before whose first requests but one etcd is compacted. */
function planeThat(cluster: Cluster, compactions: number): ControlPlaneCalls {
  // The token is asked for before every request: the only moment between two of them.
  let requests = 0;
  return planeOf(cluster, {
    token: async () => {
      requests += 1;
      if (requests > 1 && requests <= 1 + compactions) await expireTokens(cluster);
      return tokens.autopilot;
    },
  });
}

async function fill(cluster: Cluster): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "many" } };
  await accepted(cluster, { method: "POST", path: "/api/v1/namespaces", body });
  for (let start = 0; start < ENTRIES; start += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, ENTRIES - start) }, (_, index) => make(cluster, start + index)),
    );
}

async function fillAccounts(cluster: Cluster): Promise<void> {
  const path = "/api/v1/namespaces/many/serviceaccounts";
  for (let number = 0; number < ACCOUNTS; number += 1) {
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: `a${number}`, namespace: "many" } };
    await accepted(cluster, { method: "POST", path, body });
  }
}

async function make(cluster: Cluster, number: number): Promise<void> {
  const body = {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: { name: `e${number}`, namespace: "many" },
    spec: { address: `10.8.${number >> 8}.${number & 255}` },
  };
  await accepted(cluster, {
    method: "POST",
    path: "/apis/networking.istio.io/v1/namespaces/many/workloadentries",
    body,
  });
}
