import type { Config } from "../config/config.ts";
import type { SidecarSpec } from "../data-plane/ztunnel/index.ts";

/** What the configuration asks of every service's sidecar. */
export function configuredSidecar({
  ztunnel,
}: Pick<Config, "ztunnel">): Omit<SidecarSpec, "image" | "secretValueFrom" | "proxyEnv"> {
  const { image, imageParameter, allowedImages, ...sidecar } = ztunnel;
  return sidecar;
}

/** What the configuration and the desired enrollment ask of the sidecar. */
export function sidecarSpec(
  desired: { readonly image: string; readonly request: { readonly proxyEnv: boolean } },
  secretValueFrom: string,
  config: Pick<Config, "ztunnel">,
): SidecarSpec {
  const { image, request } = desired;
  return { ...configuredSidecar(config), image, secretValueFrom, proxyEnv: request.proxyEnv };
}
