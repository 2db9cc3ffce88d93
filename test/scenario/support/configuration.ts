import type { Lab } from "../../../lab/autopilot/lab.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { FleetDriver } from "./rollouts.ts";

/** The account of eu-west-1. */
export const MEMBER = "210987654321";

/** Deploys the autopilot with a configuration that does not name the account. Returns the undo. */
export function withoutAccount(lab: Lab, account: string): () => void {
  return deployed(lab, ({ accounts, controlPlanes }) => ({
    accounts: accounts.filter(({ role }) => !role.includes(account)),
    controlPlanes: controlPlanes.map((plane) => ({
      ...plane,
      serves: plane.serves.filter((served) => served.account !== account),
    })),
  }));
}

/** Deploys the autopilot with a configuration whose control planes don't serve the region. Returns the undo. */
export function withoutServing(lab: Lab, region: string): () => void {
  return deployed(lab, ({ controlPlanes }) => ({
    controlPlanes: controlPlanes.map((plane) => ({
      ...plane,
      serves: plane.serves.map((served) => ({ ...served, regions: served.regions.filter((name) => name !== region) })),
    })),
  }));
}

function deployed(lab: Lab, change: (config: Config) => Partial<Config>): () => void {
  const before = { ...lab.config };
  Object.assign(lab.config, change(lab.config));
  return () => Object.assign(lab.config, before);
}

/** How many of the services run the revision that they ran then. */
export function unchanged(driver: FleetDriver, arns: readonly string[], then: ReadonlyMap<string, string>): number {
  return arns.filter((arn) => driver.runningRevision(arn) === then.get(arn)).length;
}
