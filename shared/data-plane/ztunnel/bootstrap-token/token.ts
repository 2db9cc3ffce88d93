import * as z from "zod";
import { AutopilotError } from "../../../base/errors.ts";

/** What a ztunnel on ECS starts from: istiod's address, the trusted root CA, and its own identity. */
export const bootstrapTokenSchema = z.object({
  /** istiod's URL. */
  url: z.url(),
  /** The mesh's root CA bundle in PEM. */
  caCert: z.string().min(1),
  namespace: z.string().min(1),
  serviceAccount: z.string().min(1),
  platform: z.enum(["ecs", "ecs-ec2"]),
  network: z.string().min(1),
  /** True: the mesh is reached through the east-west gateway. */
  remote: z.boolean(),
});
export type BootstrapToken = z.infer<typeof bootstrapTokenSchema>;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * The value of BOOTSTRAP_TOKEN: JSON with the members in the order that istioctl writes, base64 twice, no line breaks.
 * Equal tokens give equal text, so that the text's hash can name a secret version.
 */
export function encodeToken(token: BootstrapToken): string {
  const { url, caCert, namespace, serviceAccount, platform, network, remote } = token;
  const json = JSON.stringify({ url, caCert, namespace, serviceAccount, platform, network, remote });
  return toBase64(toBase64(json));
}

/**
 * The token that a BOOTSTRAP_TOKEN's value holds. White space at both levels is tolerated, as `base64` wraps its lines;
 * members that this version does not know are left out. Throws `AutopilotError` `invalid-token`, which never quotes
 * the value.
 */
export function decodeToken(text: string): BootstrapToken {
  const json = parseJson(fromBase64(fromBase64(text)));
  const parsed = bootstrapTokenSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const members = [...new Set(parsed.error.issues.map(({ path }) => path.join(".") || "(all)"))];
  throw new AutopilotError("invalid-token", `Wrong or missing: ${members.join(", ")}.`);
}

function toBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

function fromBase64(text: string): string {
  const compact = text.replace(/\s+/g, "");
  if (compact === "" || !BASE64.test(compact)) throw new AutopilotError("invalid-token", "It is not base64 twice.");
  return Buffer.from(compact, "base64").toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text: it must not reach a log.
    throw new AutopilotError("invalid-token", "It holds no JSON.");
  }
}
