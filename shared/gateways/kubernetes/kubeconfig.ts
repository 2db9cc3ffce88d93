import { KubeConfig } from "@kubernetes/client-node";
import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import type { ClusterConnection } from "./cluster-connection.ts";

const clusterSchema = z.object({ server: z.url({ protocol: /^https$/ }), caData: z.string().optional() });
/** A token as a header can hold it: an error about another one would quote it. */
const tokenSchema = z.object({
  token: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/),
});
const certificateSchema = z.object({ certData: z.string().min(1), keyData: z.string().min(1) });

/**
 * The connection that a kubeconfig's current context names. Its user must have a token or a client certificate in the
 * text itself: a function has no files and runs no plugins. Throws `invalid-kubeconfig` that names the secret; no text
 * of the kubeconfig goes into the error.
 */
export function parseKubeconfig(text: string, secretName: string): ClusterConnection {
  const refuse = (why: string) => new AutopilotError("invalid-kubeconfig", `the kubeconfig in ${secretName} ${why}`);
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
  } catch {
    // The parser's message quotes the text, which has credentials, so that it must not be the cause.
    throw refuse("is not a kubeconfig");
  }
  const cluster = clusterSchema.safeParse(config.getCurrentCluster()).data;
  if (!cluster) throw refuse("has no current context with a cluster whose server is an https URL");
  const user = config.getCurrentUser();
  const token = tokenSchema.safeParse(user).data?.token;
  if (token) return { ...cluster, user: { bearerToken: async () => token } };
  const certificate = certificateSchema.safeParse(user).data;
  if (!certificate) throw refuse("has neither a token nor client certificate data for its user");
  return { ...cluster, user: certificate };
}
