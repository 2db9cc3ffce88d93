/** A list price in us-east-1, US dollars, without free tiers. */
export interface Price {
  readonly dollars: number;
  /** The number of units that the price is for. */
  readonly per: number;
  readonly unit: string;
  /** The page that has it. */
  readonly source: string;
}

const million = 1_000_000;

/** AWS's list prices of what the autopilot uses. Other regions differ by some percent. */
export const prices = {
  secret: { dollars: 0.4, per: 1, unit: "secret and month", source: "aws.amazon.com/secrets-manager/pricing" },
  secretCall: { dollars: 0.05, per: 10_000, unit: "API calls", source: "aws.amazon.com/secrets-manager/pricing" },
  transition: {
    dollars: 0.025,
    per: 1_000,
    unit: "state transitions",
    source: "aws.amazon.com/step-functions/pricing",
  },
  invocation: { dollars: 0.2, per: million, unit: "invocations", source: "aws.amazon.com/lambda/pricing" },
  gbSecond: { dollars: 0.0000133334, per: 1, unit: "GB-second (arm64)", source: "aws.amazon.com/lambda/pricing" },
  event: { dollars: 1, per: million, unit: "events on a custom bus", source: "aws.amazon.com/eventbridge/pricing" },
  write: {
    dollars: 0.625,
    per: million,
    unit: "write request units",
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
  },
  read: {
    dollars: 0.125,
    per: million,
    unit: "read request units",
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
  },
  tableGb: {
    dollars: 0.45,
    per: 1,
    unit: "GB-month, with point-in-time recovery",
    source: "aws.amazon.com/dynamodb/pricing/on-demand",
  },
  logGb: { dollars: 0.5, per: 1, unit: "GB of logs taken in", source: "aws.amazon.com/cloudwatch/pricing" },
  metric: { dollars: 0.3, per: 1, unit: "custom metric", source: "aws.amazon.com/cloudwatch/pricing" },
  alarm: { dollars: 0.1, per: 1, unit: "alarm", source: "aws.amazon.com/cloudwatch/pricing" },
  key: { dollars: 1, per: 1, unit: "key and month", source: "aws.amazon.com/kms/pricing" },
  dashboard: { dollars: 3, per: 1, unit: "dashboard", source: "aws.amazon.com/cloudwatch/pricing" },
} as const satisfies Readonly<Record<string, Price>>;
export type PriceName = keyof typeof prices;

/** The price of `quantity` units, in dollars. */
export function priceOf(name: PriceName, quantity: number): number {
  const { dollars, per } = prices[name];
  return (quantity * dollars) / per;
}
