import type { JsonObject } from "../base/json.ts";
import { type ApplicationPort, applicationPorts } from "../data-plane/ztunnel/index.ts";
import { portProtocols } from "./tag-values.ts";

/** What `derivedPorts` makes of a definition is one of the settings: another rule has another version. */
export const PORTS_RULE = "1";

/** The port of a service in the mesh where no tag says another, as in Solo's guide. */
const SERVICE_PORT = 80;

/**
 * The value of the tag `ecs.solo.io/ports` for a service without one, where the task definition leaves no doubt: its
 * containers have one TCP port. `undefined` where they have none, several, or a range.
 */
export function derivedPorts(definition: JsonObject): string | undefined {
  const [first, ...others] = tcpPorts(definition);
  if (
    !first ||
    first.first !== first.last ||
    others.some((one) => one.first !== first.first || one.last !== first.last)
  )
    return undefined;
  return `${protocolOf(first)}:${SERVICE_PORT}:${first.first}`;
}

/** What is doubtful about the ports that istiod takes for the service, in words: `tag` is the tag's value, if any. */
export function portsProblems(definition: JsonObject, tag: string | undefined): readonly string[] {
  const ports = tcpPorts(definition);
  const listed = ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
  const [example] = ports;
  if (tag === undefined) {
    if (!example) return [];
    const value = `${protocolOf(example)}:${SERVICE_PORT}:${example.first}`;
    return [`Containers have the ports ${listed}. Set the tag ecs.solo.io/ports, such as ${value}.`];
  }
  const missed = targetsOf(tag).filter((port) => !ports.some(({ first, last }) => first <= port && port <= last));
  if (missed.length === 0) return [];
  const declared = listed === "" ? "no container has a TCP port" : `containers have ${listed}`;
  return [`The tag ecs.solo.io/ports leads to ${missed.join(", ")}, and ${declared}.`];
}

function tcpPorts(definition: JsonObject): readonly ApplicationPort[] {
  return applicationPorts(definition).filter(({ protocol }) => protocol === "tcp");
}

function protocolOf({ appProtocol }: ApplicationPort): string {
  return appProtocol !== undefined && portProtocols.includes(appProtocol) ? appProtocol : "http";
}

/** The ports on which containers must listen; what is not valid in the value leads nowhere. */
function targetsOf(tag: string): readonly number[] {
  return tag
    .split("/")
    .map((pair) => {
      const [, port, target] = pair.split(":");
      return Number(target ?? port);
    })
    .filter(Number.isInteger);
}
