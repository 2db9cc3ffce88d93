import type { Context } from "./context.ts";
import { homeBusName } from "./definitions/deployment.ts";
import { dashboardBody } from "./observability/dashboard-body.ts";

/** The deployment's dashboard, in the home region. */
export function dashboard({ deployment }: Context): aws.cloudwatch.Dashboard {
  return new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: homeBusName(deployment),
    dashboardBody: JSON.stringify(dashboardBody(deployment)),
  });
}
