import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";

/** The first role that a service account is bound to, or undefined. */
export async function boundRole(
  plane: Pick<ControlPlaneCalls, "readBindings">,
  namespace: string,
  serviceAccount: string,
): Promise<string | undefined> {
  return (await plane.readBindings(namespace, serviceAccount))[0]?.roleArn;
}
