import { imageSchema } from "../config/config.ts";

/** What is wrong with a tag's value, as "expected …"; `undefined` when nothing is. */
export type ValueCheck = (value: string) => string | undefined;

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const HOST_LABEL = /^[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/**
 * Istio's protocol names that a service's port can have; UDP is not proxied.
 * https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
export const portProtocols = ["http", "http2", "https", "grpc", "grpc-web", "tcp", "tls", "mongo", "mysql", "redis"];

/** A Kubernetes namespace: an RFC 1123 label. */
export const namespaceCheck: ValueCheck = (value) =>
  LABEL.test(value) ? undefined : "expected at most 63 lower-case letters, digits and hyphens";

/** A Kubernetes service account: an RFC 1123 subdomain. */
export const serviceAccountCheck: ValueCheck = (value) =>
  value.length <= 253 && SUBDOMAIN.test(value)
    ? undefined
    : "expected at most 253 lower-case letters, digits, hyphens and dots";

/** A DNS name of at most 253 characters. */
export const hostnameCheck: ValueCheck = (value) =>
  value.length <= 253 && value.split(".").every((label) => HOST_LABEL.test(label)) ? undefined : "expected a DNS name";

/** `protocol:port[:targetPort]` pairs joined by `/`, every service port once. */
export const portsCheck: ValueCheck = (value) => {
  const seen = new Set<string>();
  for (const pair of value.split("/")) {
    const [protocol = "", port = "", targetPort, ...rest] = pair.split(":");
    if (!portProtocols.includes(protocol)) return `expected protocol ${portProtocols.join(", ")}`;
    if (rest.length > 0 || !isPort(port) || (targetPort !== undefined && !isPort(targetPort))) {
      return "expected protocol:port[:targetPort] pairs joined by /, ports from 1 to 65535";
    }
    if (seen.has(port)) return `port ${port} is there twice`;
    seen.add(port);
  }
  return undefined;
};

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

/** One of these words, exactly. */
export function oneOf(...words: readonly string[]): ValueCheck {
  return (value) => (words.includes(value) ? undefined : `expected ${words.join(" or ")}`);
}

/**
 * True for what can be the name of a CloudWatch alarm. A call with another one is refused as a whole.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
export function isAlarmName(name: string): boolean {
  return name !== "" && name.length <= 255;
}

/** Names of CloudWatch alarms, joined by `+`. */
export const alarmsCheck: ValueCheck = (value) =>
  value.split("+").every((name) => isAlarmName(name.trim())) ? undefined : "expected names of alarms joined by +";

/** An image reference. */
export const imageCheck: ValueCheck = (value) =>
  imageSchema.safeParse(value).success ? undefined : "expected an image reference";
