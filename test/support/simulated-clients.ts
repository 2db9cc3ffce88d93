import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import type { AwsService } from "../../simulator/aws/service.ts";
import { Sts } from "../../simulator/aws/sts/sts.ts";
import type { VirtualClock } from "../../simulator/clock/virtual-clock.ts";
import type { Faults } from "../../simulator/faults.ts";
import { inProcessRequestHandler } from "../../simulator/http/in-process.ts";
import { AwsRouter } from "../../simulator/http/router.ts";

export const HOME_ACCOUNT = "111111111111";
export const MEMBER_ACCOUNT = "222222222222";

/** The product's clients on services of the lab, with AWS's throttling and without real time. */
export function labClients(
  services: readonly AwsService[],
  { clock, faults }: { readonly clock: VirtualClock; readonly faults: Faults },
): { readonly clients: AwsClients; readonly router: AwsRouter } {
  const random = () => 0.5;
  const router = new AwsRouter({ services: [...services, new Sts({ clock, random })], clock, faults, random });
  const clients = awsClients({
    config: {
      name: "ztunnel-autopilot",
      homeRegion: "us-east-1",
      homeAccount: HOME_ACCOUNT,
      memberRoleName: "ztunnel-autopilot-member",
    },
    requestHandler: inProcessRequestHandler((request) => router.handle(request)),
    credentials: { accessKeyId: HOME_ACCOUNT, secretAccessKey: "s" },
    now: () => clock.now(),
    pause: (ms) => clock.advance(ms),
    random,
  });
  return { clients, router };
}
