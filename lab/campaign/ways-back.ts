import { serviceRef } from "../../shared/base/arn.ts";
import { type Config, controlPlaneFor } from "../../shared/config/config.ts";
import type { MeshState } from "../../shared/model/mesh.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { cutOffBy } from "../../shared/use-cases/observe/cut-off-secret.ts";

/** A step reads the mesh and records its revert within this time. */
const DECIDED_WITHIN_MS = 150_000;

/** The reverts of single services to a root that nobody trusts, in words. */
export interface WaysBack {
  /** The ledger, whose calls are watched. */
  readonly ledger: Ledgers;
  readonly broken: readonly string[];
}

/** Watches the reverts that rolls record: none leads to a root that nobody has trusted since the step began. */
export function watchedWaysBack(ledger: Ledgers, config: Config, now: () => number): WaysBack {
  const broken: string[] = [];
  const meshes: { readonly atMs: number; readonly mesh: MeshState }[] = [];
  const remember = async (controlPlane: string) => {
    const mesh = await ledger.getMesh(controlPlane);
    if (mesh) meshes.push({ atMs: now(), mesh });
  };
  /** The mesh as it was when a step may have read it, and since. */
  const recent = (controlPlane: string) => {
    const own = meshes.filter(({ mesh }) => mesh.controlPlane === controlPlane);
    const since = own.findLastIndex(({ atMs }) => atMs <= now() - DECIDED_WITHIN_MS);
    return own.slice(Math.max(since, 0)).map(({ mesh }) => mesh);
  };
  return {
    broken,
    ledger: {
      ...ledger,
      changeMesh: async (...args) => {
        const changed = await ledger.changeMesh(...args);
        await remember(args[0]);
        return changed;
      },
      putMeshFacts: async (facts) => {
        await ledger.putMeshFacts(facts);
        await remember(facts.controlPlane);
      },
      updateRoll: async (...args) => {
        const [serviceArn, , { revertSecret }] = args;
        const ref = serviceRef(serviceArn);
        const known = recent(controlPlaneFor(config, ref)?.name ?? "");
        const cutOff = known.map((mesh) => cutOffBy(ref, { config, ledger: { getMesh: async () => mesh } }));
        const answers = await Promise.all(cutOff.map((isCutOff) => isCutOff(revertSecret ?? null)));
        if (answers.length > 0 && answers.every((answer) => answer))
          broken.push(`${ref.serviceName} is reverted to a root that nobody trusts`);
        return ledger.updateRoll(...args);
      },
    },
  };
}
