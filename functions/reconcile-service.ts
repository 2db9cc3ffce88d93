import { type Place, parseClusterArn, serviceRef } from "../shared/base/arn.ts";
import { AutopilotError } from "../shared/base/errors.ts";
import type { Json } from "../shared/base/json.ts";
import { type Config, targetsOf } from "../shared/config/config.ts";
import { parseIncoming } from "../shared/events/incoming.ts";
import { dynamoDbServiceLedger } from "../shared/gateways/ledger/ledger-dynamodb.ts";
import type { ServiceLedger } from "../shared/ports/ledger.ts";
import type { Log } from "../shared/ports/ports.ts";
import { reconcileService } from "../shared/use-cases/reconcile/reconcile-service.ts";
import { sweepCluster } from "../shared/use-cases/reconcile/sweep.ts";
import { contextWith, type FunctionContext } from "./context.ts";
import { lambda, type Step } from "./middleware.ts";

/** Reconciles the service that an event names: starts a roll if it is not as its tags ask for. */
export function reconcile(context: FunctionContext<ServiceLedger>): Step {
  return async (event, { log, measure }) => {
    const incoming = parseIncoming(event);
    if (incoming.kind === "reconcile-cluster") return reconcileCluster(incoming.clusterArn, context, log);
    if (!("serviceArn" in incoming)) {
      log.info(
        "nothing to reconcile",
        incoming.kind === "ignored" ? { why: incoming.reason } : { kind: incoming.kind },
      );
      return { did: "nothing" };
    }
    const ref = serviceRef(incoming.serviceArn);
    log.appendKeys({ serviceArn: ref.serviceArn });
    assertTarget(ref, context.config);
    const because = "deploymentId" in incoming ? incoming : {};
    const { decided, ...done } = await reconcileService(ref, { ...context, log, ecs: context.ecs(ref) }, because);
    if (decided) measure.count("Decisions", { action: decided });
    if (done.did === "refused") for (const { reason } of done.refusals) measure.count("Refusals", { reason });
    log.info(done.did, { ...done, because: incoming.kind });
    return { ...done };
  };
}

async function reconcileCluster(clusterArn: string, context: FunctionContext<ServiceLedger>, log: Log): Promise<Json> {
  const cluster = parseClusterArn(clusterArn);
  if (!cluster) throw new AutopilotError("malformed-event", `No cluster's ARN: ${clusterArn}`);
  assertTarget(cluster, context.config);
  const result = await sweepCluster(cluster, { ...context, log });
  log.info("reconciled the cluster", { clusterArn, ...result });
  return { ...result };
}

function assertTarget({ account, region }: Place, config: Config): void {
  const known = targetsOf(config).some((target) => target.account === account && target.region === region);
  if (!known) throw new AutopilotError("unknown-account", `${account}/${region}`);
}

export const handler = lambda("reconcile-service", () => reconcile(contextWith(dynamoDbServiceLedger)));
