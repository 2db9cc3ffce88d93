import { counted } from "../../shared/base/plural.ts";
import { type PriceName, priceOf } from "./prices.ts";

/** What the estimate is made for. */
export interface CostInput {
  /** Enrolled services in all. */
  readonly services: number;
  /** Accounts and regions that they are spread over, evenly. */
  readonly regions: number;
  /** Workload identities in all: each has a secret in its region. */
  readonly identities: number;
  /** A service's running tasks. */
  readonly tasks: number;
  /** CI deployments of a service in a month that come without the sidecar. */
  readonly deployments: number;
  /** Rollouts over the whole fleet in a month. */
  readonly rollouts: number;
}

export interface CostItem {
  readonly service: string;
  readonly what: string;
  readonly price: PriceName;
  /** In the price's unit, a month. */
  readonly quantity: number;
  readonly dollars: number;
}

export interface CostEstimate {
  readonly input: CostInput;
  readonly items: readonly CostItem[];
  readonly dollars: number;
  readonly assumptions: readonly string[];
}

const HOURS = 730;
const sweepsAMonth = HOURS * 4;
const watchesAMonth = HOURS * 12;

/** Per roll, as `npm run bench` measures it, rounded up; a service's own events come with its tasks. */
const roll = { transitions: 8, invocations: 16, gbSeconds: 4, writes: 16, reads: 14, events: 8 };
/** What a rollout adds per service: RollFleet's own states, its records, its events. */
const rolloutShare = { transitions: 5, invocations: 2, gbSeconds: 0.5, writes: 8, reads: 6 };

const itemBytes = 2_000;
const logBytesPerInvocation = 2_000;
const watched = { metrics: 46, dashboards: 1 };
/** Whether sweeps have read all of a region. */
const metricsPerRegion = 1;
/** The home region has those of all functions, and one on the silence of each region. */
const homeAlarms = 27;
/** Events that could not be forwarded, heartbeats that don't come, and sweeps that don't read all. */
const alarmsPerRegion = 3;
/** DescribeTaskDefinition sets the pace of a sweep that remembers nothing: 20 a second in an account and region. */
const sweepSecondsPerService = 0.05;
const sweepSecondsAtLeast = 3;
const sweepGb = 1;
const watchGbSeconds = 1;

/**
 * What the autopilot itself costs in a month, in US dollars: list prices of us-east-1, free tiers not taken off. The
 * sidecar uses its task's CPU and memory, and costs nothing extra.
 */
export function estimateCost(input: CostInput): CostEstimate {
  const rolls = input.services * (input.deployments + input.rollouts);
  const inRollouts = input.services * input.rollouts;
  const perRoll = (name: keyof typeof roll) => rolls * roll[name];
  const perShare = (name: keyof typeof rolloutShare) => inRollouts * rolloutShare[name];
  const stoppedTasks = rolls * input.tasks;
  const invocations = perRoll("invocations") + perShare("invocations") + stoppedTasks + sweepsAMonth + watchesAMonth;
  const sweepGbSeconds =
    sweepsAMonth * sweepGb * Math.max(sweepSecondsAtLeast, (input.services / input.regions) * sweepSecondsPerService);
  const gbSeconds =
    perRoll("gbSeconds") + perShare("gbSeconds") + stoppedTasks * 0.1 + sweepGbSeconds + watchesAMonth * watchGbSeconds;
  // A sweep reads the ledger once, and once more per account and region before it retires secret versions.
  const sweepReads = sweepsAMonth * (input.regions + 1) * ((input.services * itemBytes) / 4_096);
  const rolloutItems = inRollouts * 3;
  const items: readonly Omit<CostItem, "dollars">[] = [
    {
      service: "Secrets Manager",
      what: "a secret per workload identity, and Slack's",
      price: "secret",
      quantity: input.identities + 1,
    },
    {
      service: "Secrets Manager",
      what: "tasks that start read their token; rolls look at the secret",
      price: "secretCall",
      quantity: stoppedTasks + rolls * 2 + sweepsAMonth * input.regions,
    },
    {
      service: "Step Functions",
      what: "RollService and RollFleet, Standard",
      price: "transition",
      quantity: perRoll("transitions") + perShare("transitions"),
    },
    { service: "Lambda", what: "rolls, events, sweeps, watching", price: "invocation", quantity: invocations },
    { service: "Lambda", what: "the same by time and memory", price: "gbSecond", quantity: gbSeconds },
    {
      service: "EventBridge",
      what: "forwarded to the home bus, and the autopilot's own",
      price: "event",
      quantity: perRoll("events") + stoppedTasks,
    },
    {
      service: "DynamoDB",
      what: "the ledger, on demand",
      price: "write",
      quantity: perRoll("writes") + perShare("writes"),
    },
    {
      service: "DynamoDB",
      what: "the ledger, on demand; sweeps read all of it",
      price: "read",
      quantity: perRoll("reads") + perShare("reads") + sweepReads,
    },
    {
      service: "DynamoDB",
      what: "the ledger's items, rollouts kept for 90 days",
      price: "tableGb",
      quantity: ((input.services + rolloutItems) * itemBytes) / 1e9,
    },
    { service: "CloudWatch", what: "logs", price: "logGb", quantity: (invocations * logBytesPerInvocation) / 1e9 },
    {
      service: "CloudWatch",
      what: "metrics",
      price: "metric",
      quantity: watched.metrics + metricsPerRegion * input.regions,
    },
    { service: "CloudWatch", what: "alarms", price: "alarm", quantity: homeAlarms + alarmsPerRegion * input.regions },
    { service: "KMS", what: "a key per region, for the alarms' topics", price: "key", quantity: input.regions },
    { service: "CloudWatch", what: "the dashboard", price: "dashboard", quantity: watched.dashboards },
  ];
  const priced = items.map((item) => ({ ...item, dollars: priceOf(item.price, item.quantity) }));
  return {
    input,
    items: priced,
    dollars: priced.reduce((sum, { dollars }) => sum + dollars, 0),
    assumptions: assumptionsOf(input),
  };
}

function assumptionsOf(input: CostInput): readonly string[] {
  const { services, regions, identities, tasks, deployments, rollouts } = input;
  return [
    `${counted(services, "service")}, spread evenly over ${counted(regions, "region")} of the accounts, ${counted(tasks, "task")} each.`,
    `${identities} workload identities in all: a service account is bound to one task role, services may share one.`,
    `${deployments} CI deployments a service and month come without the sidecar and are rolled again; with \`inject\` in the pipeline it is 0.`,
    `Rollouts over the whole fleet: ${rollouts} a month.`,
    `A roll: ${roll.transitions} transitions, ${roll.invocations} invocations, ${roll.writes} writes and ${roll.reads} reads of the ledger, ${roll.events} events (see npm run bench), ${roll.gbSeconds} GB-seconds.`,
    `A rollout adds ${rolloutShare.transitions} transitions, ${rolloutShare.invocations} invocations and ${rolloutShare.writes} writes per service.`,
    "Sweeps every 15 minutes, control planes read every 5 minutes.",
    "List prices of us-east-1 without free tiers, discounts and taxes; look them up on the named pages before you rely on them.",
    "Not counted: the applications' tasks (a roll replaces them, which needs room for a while), ztunnel's share of them, data transfer, NAT or VPC endpoints, CloudTrail, your own KMS keys.",
  ];
}
