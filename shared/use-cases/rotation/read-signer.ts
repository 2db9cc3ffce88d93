import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { MeshSigner, MeshState } from "../../model/mesh.ts";
import type { ControlPlaneCalls, Log, ServingCertificateCalls } from "../../ports/ports.ts";
import { parseBundle } from "../../trust/bundle.ts";
import { newestOf } from "../../trust/record.ts";
import { signerOf } from "../../trust/signer.ts";
import { seenSigner } from "../../trust/stages.ts";

export interface ReadSignerCalls {
  readonly config: Pick<Config, "controlPlanes">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readCaChain">;
  readonly serving: ServingCertificateCalls;
  readonly log: Pick<Log, "warn">;
  readonly now: () => number;
}

interface Source {
  readonly what: string;
  readonly readChain: () => Promise<readonly string[]>;
}

/**
 * Which root signs, or why that can't be seen: by what istiod serves, else by its CA secret, where the configuration
 * lets that be read.
 */
export async function readSigner(
  mesh: MeshState,
  calls: ReadSignerCalls,
): Promise<MeshSigner | { readonly why: string }> {
  const { rootCaPem } = newestOf(mesh).facts;
  const reasons: string[] = [];
  for (const { what, readChain } of sourcesOf(mesh, calls)) {
    try {
      const anchor = signerOf(await readChain(), parseBundle(rootCaPem));
      if (anchor !== undefined) return seenSigner(mesh.signer, anchor, calls.now());
      reasons.push(`No root of the bundle has signed ${what}.`);
    } catch (error) {
      const { code, message } = asAutopilotError(error);
      calls.log.warn(`it can't be seen who signs by ${what}`, { code, why: message });
      reasons.push(message);
    }
  }
  return { why: reasons.join(" ") };
}

/** What is served comes first: istiod may not have taken up yet what its secret holds. */
function sourcesOf(mesh: MeshState, { config, controlPlane, serving }: ReadSignerCalls): readonly Source[] {
  const { controlPlane: name } = mesh;
  const { istiodUrl } = newestOf(mesh).facts;
  const served = { what: `what ${istiodUrl} serves`, readChain: () => serving.readChain(istiodUrl) };
  const isGranted = config.controlPlanes.some((plane) => plane.name === name && plane.readCaSecret);
  if (!isGranted) return [served];
  return [served, { what: `the CA secret of ${name}`, readChain: () => controlPlane(name).readCaChain() }];
}
