import { type RequestHandler, ScaledClock, startServer } from "@ztunnel-autopilot/simulator";
import { DynamoDb } from "@ztunnel-autopilot/simulator/dynamodb";
import type { Config } from "../../shared/config/config.ts";
import { Lab } from "../autopilot/lab.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { createLedgerTable } from "../ledger/ledger-table.ts";
import { labRoutes } from "./routes.ts";

export interface LabServerOptions {
  readonly config: Config;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How many lab seconds pass in a real one. */
  readonly speed: number;
  /** Clusters and services that are there from the start; none without it. */
  readonly fleet?: Fleet | undefined;
}

export interface LabServer {
  readonly endpoint: string;
  readonly port: number;
  readonly lab: Lab;
  readonly tableName: string;
  close(): Promise<void>;
}

/**
 * Serves a lab on 127.0.0.1, the ledger in its DynamoDB, and resolves once the fleet is there.
 * @throws Error if the port is taken, or ECS refuses a part of the fleet.
 */
export async function startLabServer({ config, port, speed, fleet }: LabServerOptions): Promise<LabServer> {
  const clock = new ScaledClock(speed);
  // The lab must know its port, and its ledger needs the server: requests that come before the lab is there wait.
  const made = Promise.withResolvers<{ readonly lab: Lab; readonly routes: RequestHandler }>();
  let lab: Lab | undefined;
  const dynamoDb = new DynamoDb({ onCall: (call) => lab?.router.record(call), now: () => clock.now() });
  const server = await startServer({
    port,
    handle: async (request) => (await made.promise).lab.simulator.handle(request),
    routes: { "/_lab": async (request) => (await made.promise).routes(request) },
    raw: (request, response) => dynamoDb.handle(request, response),
  });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const table = await createLedgerTable(config, endpoint);
  const close = async () => {
    clock.stop();
    table.destroy();
    await server.close();
  };
  lab = new Lab({ clock, config, ledger: table.ledger, endpoint, heartbeats: true });
  made.resolve({ lab, routes: labRoutes({ lab, clock, isBusy: () => table.isBusy() }) });
  try {
    await lab.prepare(fleet);
  } catch (error) {
    await close();
    throw error;
  }
  return { endpoint, port: server.port, lab, tableName: table.tableName, close };
}
