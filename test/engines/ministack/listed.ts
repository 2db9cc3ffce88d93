import type { Listed } from "../listed.ts";

/** Denials that are meant. What MiniStack lacks is put in by server.py and ecs_shims.py. */
export const listed: readonly Listed[] = [
  {
    what: "DENIED ztunnel-autopilot-production-roll-plan ecs:DescribeServices arn:aws:ecs:us-east-1:123456789012:service/shop/cart",
    reason: "the flow `without a grant` takes this one away: IAM is enforced",
  },
];
