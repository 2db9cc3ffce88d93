import type { SimulatorRequest } from "../http/message.ts";
import { queryMembers } from "../http/protocols.ts";
import type { AwsService } from "./service.ts";

/** What a request asks for: `service` is undefined when it names one that there is not. */
export interface AddressedCall {
  readonly service: AwsService | undefined;
  readonly operation: string;
}

/** The AWS services of a router, by the ways in which requests name them. */
export class AwsServices {
  readonly #services: AwsService[] = [];
  readonly #byTarget = new Map<string, AwsService>();

  /** @throws Error if there is a service of that name. */
  add(service: AwsService): void {
    if (this.names().includes(service.name)) throw new Error(`there is a service ${service.name} already`);
    this.#services.push(service);
    if ("target" in service.protocol) this.#byTarget.set(service.protocol.target, service);
  }

  names(): readonly string[] {
    return this.#services.map(({ name }) => name);
  }

  /** Every operation that there is, as `ecs.UpdateService`, sorted. */
  operations(): readonly string[] {
    return this.#services
      .flatMap(({ name, operations }) => Object.keys(operations).map((one) => `${name}.${one}`))
      .sort();
  }

  /** The call that a request makes; undefined when it does not address an AWS API. */
  addressedBy(request: SimulatorRequest): AddressedCall | undefined {
    const target = request.headers["x-amz-target"];
    if (target !== undefined) {
      const dot = target.lastIndexOf(".");
      return { service: this.#byTarget.get(target.slice(0, Math.max(0, dot))), operation: target.slice(dot + 1) };
    }
    return this.#byQuery(request) ?? this.#byPath(request);
  }

  /** A request that leaves out the API's version is taken for the first query API's. */
  #byQuery(request: SimulatorRequest): AddressedCall | undefined {
    const { Action, Version } = queryMembers(request);
    if (Action === undefined) return undefined;
    const service = this.#services.find(
      ({ protocol }) => protocol.kind === "awsQuery" && (Version === undefined || Version === protocol.version),
    );
    return { service, operation: Action };
  }

  #byPath(request: SimulatorRequest): AddressedCall | undefined {
    for (const service of this.#services) {
      const call = service.protocol.kind === "restJson1" ? service.protocol.callOf(request) : undefined;
      if (call) return { service, operation: call.operation };
    }
    return undefined;
  }
}
