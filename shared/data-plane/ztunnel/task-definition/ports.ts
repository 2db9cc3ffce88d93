import type { JsonObject } from "../../../base/json.ts";
import { numberAt, objectsAt, textAt } from "../../../base/json-fields.ts";
import { nameOf } from "../../../model/task-definition.ts";
import { otherContainers } from "./containers.ts";

/** A port, or a range of ports, that a container other than ztunnel listens on. */
export interface ApplicationPort {
  readonly container: string;
  readonly protocol: "tcp" | "udp";
  readonly first: number;
  /** Equal to `first` for a single port. */
  readonly last: number;
  /** What ECS says that it speaks: `http`, `http2` or `grpc`. */
  readonly appProtocol: string | undefined;
}

export interface PortCollision {
  readonly container: string;
  readonly port: number;
  /** What ztunnel uses the port for. */
  readonly use: string;
}

/** ztunnel's listeners (its ARCHITECTURE page): in awsvpc all containers of a task share one network interface. */
export const ztunnelPorts: readonly { readonly port: number; readonly use: string; readonly udp: boolean }[] = [
  { port: 15000, use: "admin", udp: false },
  { port: 15001, use: "outbound", udp: false },
  { port: 15006, use: "inbound plaintext", udp: false },
  { port: 15008, use: "inbound HBONE", udp: false },
  { port: 15020, use: "metrics", udp: false },
  { port: 15021, use: "readiness", udp: false },
  { port: 15053, use: "DNS", udp: true },
  { port: 15080, use: "SOCKS5", udp: false },
];

function rangeOf(mapping: JsonObject): readonly [number, number] | undefined {
  const port = numberAt(mapping, "containerPort");
  if (port !== undefined) return [port, port];
  const range = /^(\d+)-(\d+)$/.exec(textAt(mapping, "containerPortRange") ?? "");
  return range === null ? undefined : [Number(range[1]), Number(range[2])];
}

/** The ports in the port mappings of the containers other than ztunnel. */
export function applicationPorts(definition: JsonObject): readonly ApplicationPort[] {
  return otherContainers(definition).flatMap((container) =>
    objectsAt(container, "portMappings").flatMap((mapping): readonly ApplicationPort[] => {
      const range = rangeOf(mapping);
      if (range === undefined) return [];
      const protocol = textAt(mapping, "protocol") === "udp" ? "udp" : "tcp";
      const appProtocol = textAt(mapping, "appProtocol");
      return [{ container: nameOf(container), protocol, first: range[0], last: range[1], appProtocol }];
    }),
  );
}

/** The ports of the application that ztunnel needs for itself. */
export function portCollisions(definition: JsonObject): readonly PortCollision[] {
  return applicationPorts(definition).flatMap(({ container, protocol, first, last }) =>
    ztunnelPorts
      .filter(({ port, udp }) => first <= port && port <= last && (protocol === "tcp" || udp))
      .map(({ port, use }) => ({ container, port, use })),
  );
}
