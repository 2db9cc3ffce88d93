import { AutopilotError, asAutopilotError } from "../../shared/base/errors.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Claim } from "../../shared/model/claim.ts";
import type { MeshState } from "../../shared/model/mesh.ts";
import type { FleetState } from "../../shared/model/rollout.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import type { Ledger, RolloutLedger, UnreadableItem } from "../../shared/ports/ledger.ts";

/** What the ledger knows, read once for all services. */
export interface Known {
  readonly states: ReadonlyMap<string, ServiceState>;
  readonly meshes: ReadonlyMap<string, MeshState>;
  /** Throws `ledger-item-unreadable` where that is so. */
  readonly fleet: () => Promise<FleetState>;
  readonly claims: readonly Claim[];
  readonly unreadable: readonly Unreadable[];
}

/** An item that can't be read, and what to do about it. */
export interface Unreadable extends UnreadableItem {
  readonly advice: string;
}

export interface KnownCalls {
  readonly config: Pick<Config, "controlPlanes">;
  readonly ledger: Pick<Ledger, "listServices" | "getMesh" | "listClaims"> & Pick<RolloutLedger, "getFleet">;
}

/** Reads it; what one item can't say is left out, and named. */
export async function readKnown({ ledger, config }: KnownCalls): Promise<Known> {
  const unreadable: UnreadableItem[] = [];
  const note = (item: UnreadableItem) => void unreadable.push(item);
  const noting = async <T>(pk: string, sk: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      const { code, detail } = asAutopilotError(error);
      if (code !== "ledger-item-unreadable") throw error;
      note({ pk, sk, why: detail });
      return undefined;
    }
  };
  const states = new Map<string, ServiceState>();
  for await (const state of ledger.listServices(note)) states.set(state.serviceArn, state);
  const meshes = new Map<string, MeshState>();
  for (const { name } of config.controlPlanes) {
    const mesh = await noting(`MESH#${name}`, "FACTS", () => ledger.getMesh(name));
    if (mesh) meshes.set(name, mesh);
  }
  const fleet = await noting("FLEET", "STATE", () => ledger.getFleet());
  const claims = await Array.fromAsync(ledger.listClaims(note));
  return {
    states,
    meshes,
    fleet: async () => {
      if (!fleet) throw new AutopilotError("ledger-item-unreadable", "FLEET / STATE");
      return fleet;
    },
    claims,
    unreadable: unreadable.map((item) => ({ ...item, advice: adviceFor(item) })),
  };
}

const FIRST = "If a later version of the autopilot wrote it, deploy that version again. Else restore or repair it.";

/** What the item is worth decides what may be done about it. */
export function adviceFor({ pk }: Pick<UnreadableItem, "pk">): string {
  switch (pk.split("#")[0]) {
    case "FLEET":
      return `${FIRST} Never delete it: services that were taken out of the mesh would join it again.`;
    case "SERVICE":
      return `${FIRST} If the service is gone, delete the item. Else the next reconcile writes it again from what runs, without its last good revision.`;
    case "ROLLOUT":
      return `${FIRST} Delete it only once the rollout has ended or was aborted: its services keep what they have.`;
    case "CLAIM":
      return `${FIRST} Once deleted, the next sweep writes it again from the services that need the thing.`;
    default:
      return `${FIRST} Once deleted, it is written again from what is read.`;
  }
}
