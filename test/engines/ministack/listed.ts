import type { Listed } from "../listed.ts";

/** Denials that are meant. What MiniStack lacks is put in by server.py and ecs_shims.py. */
export const listed: readonly Listed[] = [
  {
    what: "DENIED ztunnel-autopilot-production-roll-plan ecs:DescribeServices arn:aws:ecs:us-east-1:123456789012:service/shop/cart",
    reason: "the flow `without a grant` takes this one away: IAM is enforced",
  },
  ...["roll-finish", "reconcile-service"].map((name) => ({
    what: `DENIED ztunnel-autopilot-production-${name} ecs:UntagResource arn:aws:ecs:us-east-1:123456789012:service/shop/cart`,
    reason:
      "MiniStack's fault: core/iam_actions.py reads `TagKeys` of a request, and ECS writes `tagKeys`, so that the " +
      "condition key aws:TagKeys is missing: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UntagResource.html",
  })),
];
