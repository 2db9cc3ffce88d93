import {
  nextRootCaPem,
  rootCaPem,
  ScaledClock,
  Simulator,
  type SimulatorRequest,
  type SimulatorResponse,
  Slack,
  startServer,
} from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import { addControlPlane, LAB_SLACK_TOKEN } from "../../../lab/autopilot/services.ts";
import type { Config } from "../../../shared/config/config.ts";

/** What MiniStack is not: the control planes of the mesh and Slack, on a port of 127.0.0.1. */
export interface World {
  readonly url: string;
  readonly slackToken: string;
  close(): Promise<void>;
}

const ROOT_CA = "/_world/root-ca/";
const tags = z.array(z.tuple([z.string(), z.string()])).transform((pairs) => new Map(pairs));
const taskSchema = z.object({
  taskArn: z.string(),
  serviceArn: z.string(),
  serviceName: z.string(),
  lastStatus: z.string(),
  healthy: z.boolean(),
  ipAddress: z
    .string()
    .nullable()
    .transform((address) => address ?? undefined),
  containers: z.array(z.string()),
  tags,
  clusterTags: tags,
});

/**
 * Serves the lab's control planes and Slack. MiniStack's tasks come by `POST /_world/tasks`;
 * `POST /_world/root-ca/<control plane>` rotates its root certificate, `GET /_world/messages` has what Slack was sent.
 */
export async function startWorld(config: Config): Promise<World> {
  const clock = new ScaledClock(1, { unref: true });
  const simulator = new Simulator({ clock, throttling: false });
  const slack = simulator.add((context) => new Slack(context, { token: LAB_SLACK_TOKEN }));
  const planes = new Map(config.controlPlanes.map(({ name }) => [name, addControlPlane(simulator, config, name)]));
  const routes = async ({ path, body }: SimulatorRequest): Promise<SimulatorResponse> => {
    if (path === "/_world/tasks") simulator.context.taskChanges.publish(taskSchema.parse(JSON.parse(body)));
    planes.get(path.replace(ROOT_CA, ""))?.setRootCa(`${rootCaPem}${nextRootCaPem}`);
    const messages = slack.messages().map(({ text }) => text);
    return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(messages) };
  };
  const server = await startServer({
    port: 0,
    handle: (request) => simulator.handle(request),
    routes: { "/_world/": routes },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    slackToken: LAB_SLACK_TOKEN,
    close: () => {
      clock.stop();
      return server.close();
    },
  };
}
