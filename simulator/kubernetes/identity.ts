import { X509Certificate } from "node:crypto";
import * as z from "zod";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { StartingContainer } from "../core/connections.ts";

/** Both are read: Solo's own, and that of EKS's roles for service accounts. */
const ROLE_ANNOTATIONS = ["ecs.solo.io/role-arn", "eks.amazonaws.com/role-arn"];
const TRUST_DOMAIN = "cluster.local";
const TOKEN_VARIABLE = "BOOTSTRAP_TOKEN";

/** What istiod knows when a ztunnel asks it for a certificate. */
export interface MeshState {
  readonly network: string;
  /** The hosts at which it can be reached. */
  readonly hosts: ReadonlySet<string>;
  readonly rootCaPem: string;
  readonly serviceAccounts: readonly JsonObject[];
  readonly nowMs: number;
}

const tokenSchema = z.object({
  url: z.string(),
  caCert: z.string(),
  namespace: z.string(),
  serviceAccount: z.string(),
  network: z.string().optional(),
});
type Token = z.infer<typeof tokenSchema>;

/**
 * The names in the certificate of what has this role: one for each service account that carries it, by either
 * annotation. A role's path counts on neither side.
 */
export function certificateNames(roleArn: string, serviceAccounts: readonly JsonObject[]): readonly string[] {
  return serviceAccounts
    .filter((account) =>
      ROLE_ANNOTATIONS.some((key) => withoutPath(annotationOf(account, key)) === withoutPath(roleArn)),
    )
    .map(({ metadata }) => {
      const { namespace, name } = isJsonObject(metadata) ? metadata : {};
      return spiffeName(String(namespace), String(name));
    });
}

/**
 * Why a container's ztunnel gets no certificate of this mesh; undefined when it gets one, and for what has no bootstrap
 * token or that of another mesh.
 */
export function certificateRefusal(container: StartingContainer, mesh: MeshState): string | undefined {
  const token = tokenOf(container.environment.get(TOKEN_VARIABLE));
  if (token === undefined) return undefined;
  const host = URL.canParse(token.url) ? new URL(token.url).hostname.replace(/^\[|\]$/g, "") : "";
  if (token.network !== mesh.network && !mesh.hosts.has(host)) return undefined;
  if (!mesh.hosts.has(host)) return `no istiod answers at ${token.url}`;
  return rootProblem(token, mesh) ?? roleProblem(token, container.taskRoleArn, mesh);
}

/** ztunnel believes an istiod whose certificate one of the token's roots has signed, if that root is valid now. */
function rootProblem({ caCert }: Token, { rootCaPem, nowMs }: MeshState): string | undefined {
  const own = certificatesIn(rootCaPem).map(keyOf);
  const roots = certificatesIn(caCert).filter((certificate) => own.includes(keyOf(certificate)));
  if (roots.length === 0) return "the token has no root of this mesh";
  const isValid = roots.some(({ validFromDate, validToDate }) => +validFromDate <= nowMs && nowMs <= +validToDate);
  return isValid ? undefined : "no root of the token is valid at this time";
}

function roleProblem(
  { namespace, serviceAccount }: Token,
  roleArn: string | undefined,
  { serviceAccounts }: MeshState,
): string | undefined {
  if (roleArn === undefined) return "the task has no role";
  const names = certificateNames(roleArn, serviceAccounts);
  if (names.includes(spiffeName(namespace, serviceAccount))) return undefined;
  return `the service account ${namespace}/${serviceAccount} does not carry the role ${roleArn}`;
}

function spiffeName(namespace: string, serviceAccount: string): string {
  return `spiffe://${TRUST_DOMAIN}/ns/${namespace}/sa/${serviceAccount}`;
}

/** JSON, base64 twice. */
function tokenOf(text: string | undefined): Token | undefined {
  if (text === undefined) return undefined;
  try {
    const once = Buffer.from(text, "base64").toString("utf8");
    return tokenSchema.parse(JSON.parse(Buffer.from(once, "base64").toString("utf8")));
  } catch {
    return undefined;
  }
}

/** True for a text that has a certificate. */
export function hasCertificate(pem: string): boolean {
  return certificatesIn(pem).length > 0;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** A root that was renewed with its key still signs for the old one. */
function keyOf({ subject, publicKey }: X509Certificate): string {
  return `${subject}\n${publicKey.export({ type: "spki", format: "pem" }).toString()}`;
}

function annotationOf({ metadata }: JsonObject, key: string): Json | undefined {
  const annotations = isJsonObject(metadata) ? metadata.annotations : undefined;
  return isJsonObject(annotations) ? annotations[key] : undefined;
}

function withoutPath(roleArn: Json | undefined): string | undefined {
  return typeof roleArn === "string" ? roleArn.replace(/:role\/.*\//, ":role/") : undefined;
}
