import type { Context } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { handler as notifySlack } from "../../../functions/notify-slack.ts";
import { handler as reconcileService } from "../../../functions/reconcile-service.ts";
import { handler as apply } from "../../../functions/roll/apply.ts";
import { handler as awaitDeployment } from "../../../functions/roll/await-deployment.ts";
import { handler as finish } from "../../../functions/roll/finish.ts";
import { handler as plan } from "../../../functions/roll/plan.ts";
import { handler as revert } from "../../../functions/roll/revert.ts";
import { handler as verify } from "../../../functions/roll/verify.ts";
import { handler as reportRollouts } from "../../../functions/rollout/report.ts";
import { handler as signalDeployment } from "../../../functions/signal-deployment.ts";
import { handler as sweepServices } from "../../../functions/sweep-services.ts";
import { handler as watchRootCa } from "../../../functions/watch-root-ca.ts";

const handlers = {
  notifySlack,
  reconcileService,
  apply,
  awaitDeployment,
  finish,
  plan,
  revert,
  verify,
  reportRollouts,
  signalDeployment,
  sweepServices,
  watchRootCa,
};
const variables = ["AUTOPILOT_STAGE", "AUTOPILOT_TABLE", "AUTOPILOT_BUS", "ROLL_SERVICE_ARN"];
const context: Context = {
  functionName: "f",
  awsRequestId: "r",
  functionVersion: "1",
  invokedFunctionArn: "arn",
  memoryLimitInMB: "512",
  logGroupName: "g",
  logStreamName: "s",
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => 1000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

describe("a function whose environment lacks variables", () => {
  beforeEach(() => {
    for (const name of variables) vi.stubEnv(name, undefined);
    // The failing handlers write log lines.
    vi.spyOn(process.stdout, "write").mockReturnValue(true);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it.each(Object.entries(handlers))("%s names them at its first event", async (_name, handler) => {
    const failure: unknown = await handler({}, context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "invalid-environment", retryable: false });
    for (const name of variables) expect(String(failure)).toContain(name);
  });

  it("names only the missing ones", async () => {
    vi.stubEnv("AUTOPILOT_STAGE", "prod");
    vi.stubEnv("AUTOPILOT_TABLE", "table");
    vi.stubEnv("AUTOPILOT_BUS", "bus");
    vi.stubEnv("ROLL_SERVICE_ARN", "");
    const failure: unknown = await reconcileService({}, context).catch((error: unknown) => error);
    expect(String(failure)).toContain("ROLL_SERVICE_ARN");
    expect(String(failure)).not.toContain("AUTOPILOT_TABLE");
  });
});
