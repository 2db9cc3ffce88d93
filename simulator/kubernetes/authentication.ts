import type { SimulatorRequest } from "../http/message.ts";
import { StatusError } from "./status.ts";

const EKS_PREFIX = "k8s-aws-v1.";
/** The parameters that the cluster's authenticator lets a presigned URL have; it refuses every other one. */
const ALLOWED = new Set(
  [
    "Action",
    "Version",
    "Algorithm",
    "Credential",
    "Date",
    "Expires",
    "Security-Token",
    "Signature",
    "SignedHeaders",
  ].map((name) => (name === "Action" || name === "Version" ? name.toLowerCase() : `x-amz-${name.toLowerCase()}`)),
);
const MAX_EXPIRES_SECONDS = 900;

/**
 * Lets a request pass that carries a presigned GetCallerIdentity URL as EKS takes it, or the token of a kubeconfig.
 * The signature itself is not checked: the simulator has no keys.
 * https://github.com/kubernetes-sigs/aws-iam-authenticator
 * @throws StatusError 401
 */
export function authenticate({ headers }: SimulatorRequest, kubeconfigToken: string | undefined): void {
  const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? "") ?? [];
  if (token !== undefined && (token === kubeconfigToken || token === lastEksToken)) return;
  if (token === undefined || !isEksToken(token)) throw new StatusError(401, "Unauthorized", "Unauthorized");
  lastEksToken = token;
}

/** A client sends one token for minutes: what it says does not change. */
let lastEksToken: string | undefined;

function isEksToken(token: string): boolean {
  if (!token.startsWith(EKS_PREFIX) || token.includes("=")) return false;
  const text = Buffer.from(token.slice(EKS_PREFIX.length), "base64url").toString("utf8");
  if (!URL.canParse(text)) return false;
  const { searchParams } = new URL(text);
  const parameters = new Map<string, string>();
  for (const [name, value] of searchParams) {
    const key = name.toLowerCase();
    if (!ALLOWED.has(key) || parameters.has(key)) return false;
    parameters.set(key, value);
  }
  const expires = Number(parameters.get("x-amz-expires"));
  return (
    parameters.get("action") === "GetCallerIdentity" &&
    (parameters.get("x-amz-signedheaders") ?? "").split(";").includes("x-k8s-aws-id") &&
    expires >= 0 &&
    expires <= MAX_EXPIRES_SECONDS
  );
}
