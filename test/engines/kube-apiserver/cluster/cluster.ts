import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { KUBERNETES_GROUP } from "../../../../cli/commands/kubernetes-rbac.ts";
import type { Json } from "../../../../shared/base/json.ts";
import type { EngineContext } from "../../engine.ts";
import { freePort } from "../../ports.ts";

/** The bearer tokens of the cluster's users. */
export const tokens = { admin: "token-of-the-admin", autopilot: "token-of-the-autopilot", stranger: "token-of-nobody" };

/** A request to an API server, or to etcd. */
export interface ApiRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** A text is sent as it is. */
  readonly body?: Json;
  /** Default JSON. */
  readonly contentType?: string;
  readonly token?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A running API server of Kubernetes with its etcd. */
export interface Cluster {
  readonly server: string;
  /** Certificates and keys by their file's name, in base64 of PEM. */
  readonly pem: (file: string) => string;
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** Drops all revisions of etcd but the newest, so that tokens to go on with a list expire. */
  compact(): Promise<void>;
  end(): Promise<void>;
}

const START_SECONDS = 120;
const POLL_MS = 250;

/** Starts a cluster in a folder of its own, which goes with it. @throws Error if it does not become ready */
export async function startCluster({ folder, children, progress }: EngineContext): Promise<Cluster> {
  const home = mkdtempSync(join(tmpdir(), "kube-apiserver-"));
  const remove = () => rmSync(home, { recursive: true, force: true });
  process.once("exit", remove); // also after Ctrl-C
  const binary = join(folder, "kube-apiserver");
  mkdirSync(join(home, "pki"));
  await children.run(binary, ["certificates", join(home, "pki")]);
  const [clientPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const log: string[] = [];
  const onLine = (line: string) => void log.push(line);
  progress("starting etcd and kube-apiserver");
  const etcd = children.start("etcd", etcdParameters(home, etcdUrl, `http://127.0.0.1:${peerPort}`), { onLine });
  const server = children.start(binary, serverParameters(home, etcdUrl, port), { onLine });
  const pem = (file: string) => readFileSync(join(home, "pki", file)).toString("base64");
  const cluster = clusterAt({ url: `https://127.0.0.1:${port}`, etcdUrl, pem });
  const end = async () => {
    await server.end();
    await etcd.end();
    remove();
  };
  let ending: string | undefined;
  for (const [name, service] of Object.entries({ etcd, "kube-apiserver": server })) {
    void service.ended.then((sentence) => {
      ending ??= `${name} ${sentence}`;
    });
  }
  try {
    await ready(cluster, () => ending);
  } catch (error) {
    await end();
    throw new Error(`${String(error)}\n${log.slice(-15).join("\n")}`, { cause: error });
  }
  return { ...cluster, end };
}

function etcdParameters(home: string, clientUrl: string, peerUrl: string): readonly string[] {
  return [
    `--data-dir=${join(home, "etcd")}`,
    "--name=alone",
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=alone=${peerUrl}`,
    "--unsafe-no-fsync",
    "--log-level=error",
  ];
}

function serverParameters(home: string, etcdUrl: string, port: number): readonly string[] {
  const pki = join(home, "pki");
  const tokenFile = join(home, "tokens.csv");
  const users = [
    `${tokens.admin},admin,1,"system:masters"`,
    `${tokens.autopilot},autopilot,2,"${KUBERNETES_GROUP}"`,
    `${tokens.stranger},stranger,3`,
  ];
  writeFileSync(tokenFile, `${users.join("\n")}\n`);
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--etcd-servers=${etcdUrl}`,
    "--etcd-compaction-interval=0",
    // Lists go on from etcd, as before version 1.34, which keeps the newest ones in memory for a while.
    "--feature-gates=ListFromCacheSnapshot=false",
    "--authorization-mode=RBAC",
    `--token-auth-file=${tokenFile}`,
    `--client-ca-file=${join(pki, "ca.crt")}`,
    `--tls-cert-file=${join(pki, "server.crt")}`,
    `--tls-private-key-file=${join(pki, "server.key")}`,
    `--service-account-key-file=${join(pki, "service-accounts.key")}`,
    `--service-account-signing-key-file=${join(pki, "service-accounts.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--endpoint-reconciler-type=none",
    `--cert-dir=${join(home, "run")}`,
  ];
}

function clusterAt(options: { readonly url: string; readonly etcdUrl: string; readonly pem: Cluster["pem"] }) {
  const { url, etcdUrl, pem } = options;
  const agent = new Agent({ ca: Buffer.from(pem("ca.crt"), "base64"), keepAlive: true });
  const etcd = async (path: string, body: Json): Promise<unknown> => {
    const answer = await fetch(`${etcdUrl}${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    server: url,
    pem,
    send: (asked: ApiRequest) => sendTo(url, agent, asked),
    compact: async () => {
      const key = Buffer.from("none").toString("base64");
      const { header } = rangeSchema.parse(await etcd("/v3/kv/range", { key }));
      await etcd("/v3/kv/compaction", { revision: header.revision, physical: true });
    },
  };
}

const rangeSchema = z.object({ header: z.object({ revision: z.string() }) });

async function sendTo(url: string, agent: Agent, asked: ApiRequest): Promise<ApiAnswer> {
  const { method, path, body, contentType = "application/json", token = tokens.admin } = asked;
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    ...(text !== undefined && { "content-type": contentType, "content-length": Buffer.byteLength(text) }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const sent = request(`${url}${path}`, { method, agent, headers }, (response) => {
    const chunks: Buffer[] = [];
    response
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("error", reject)
      .on("end", () => {
        resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")) });
      });
  });
  sent.on("error", reject).end(text);
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // "ok" of /readyz
  }
}

async function ready(cluster: Pick<Cluster, "send">, ending: () => string | undefined): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_SECONDS * 1000; waitedMs += POLL_MS) {
    const ended = ending();
    if (ended !== undefined) throw new Error(ended);
    // Refused until it listens.
    const answer = await cluster.send({ method: "GET", path: "/readyz" }).catch(() => undefined);
    if (answer?.status === 200) return;
    await setTimeout(POLL_MS);
  }
  throw new Error(`kube-apiserver was not ready within ${START_SECONDS} seconds`);
}
