import { inProcessRequestHandler, Simulator, Sts, type VirtualClock } from "@ztunnel-autopilot/simulator";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";

export const HOME_ACCOUNT = "111111111111";
export const MEMBER_ACCOUNT = "222222222222";

/** A simulator with STS, and the product's clients on it, with AWS's throttling and without real time. */
export function simulatedClients(clock: VirtualClock): {
  readonly simulator: Simulator;
  readonly clients: AwsClients;
} {
  const simulator = new Simulator({ clock });
  simulator.add((context) => new Sts(context));
  const clients = awsClients({
    config: {
      name: "ztunnel-autopilot",
      homeRegion: "us-east-1",
      homeAccount: HOME_ACCOUNT,
      memberRoleName: "ztunnel-autopilot-member",
    },
    requestHandler: inProcessRequestHandler(simulator.handle),
    credentials: { accessKeyId: HOME_ACCOUNT, secretAccessKey: "s" },
    now: () => clock.now(),
    pause: (ms) => clock.advance(ms),
    random: () => 0.5,
  });
  return { simulator, clients };
}
